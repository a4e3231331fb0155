// `posttrain score math`: judges pairs of a gold answer and a reply, one JSON object a line in, one a line out.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "rewards/math/checker.h"

namespace posttrain::cli {

Action score_code_command(Arguments&);
Action score_lean_command(Arguments&);
namespace {

struct Given {
  int64_t threads = 0, steps = rewards::math::CheckOptions{}.steps;
  std::string answer_in = "anywhere";
};

struct Line {
  std::string text, out;
  bool bad = false;
};

rewards::math::Policy policy_of(const std::string& name) {
  if (name == "box") return rewards::math::Policy::box;
  if (name == "marked") return rewards::math::Policy::marked;
  if (name == "anywhere") return rewards::math::Policy::lenient;
  throw Error("score math", "--answer-in", "box, marked or anywhere", name);
}

// Time of this thread on a CPU: what a case costs, whatever else the machine does.
double thread_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

void judge(Line& line, int64_t number, const rewards::math::CheckOptions& options) {
  try {
    const Json row = parse_json(line.text, "line " + std::to_string(number));
    const auto field = [&](const char* name) {
      if (!row.is_object() || !row.contains(name))
        throw Error("line " + std::to_string(number), name, "text", "nothing");
      if (!row[name].is_string()) throw Error("line " + std::to_string(number), name, "text", to_line(row[name]));
      return row[name].get<std::string>();
    };
    const std::string gold = field("gold"), pred = field("pred");
    const double start = thread_microseconds();
    const auto result = rewards::math::check(gold, pred, options);
    const double took = thread_microseconds() - start;
    Json out;
    out["id"] = row.contains("id") ? row["id"] : Json(number);
    out["reward"] = result.verdict == rewards::Verdict::right ? 1 : 0;
    out["verdict"] = rewards::to_string(result.verdict);
    out["gold_parsed"] = result.gold_parsed;
    out["pred_parsed"] = result.pred_parsed;
    out["method"] = result.method;
    out["us"] = static_cast<int64_t>(took);
    line.out = to_line(out);
  } catch (const std::exception& error) {
    line.bad = true;
    line.out = to_line(Json{{"error", error.what()}, {"line", number}});
  }
}

// Reads, judges and writes in blocks, so that the order is kept and memory stays small whatever the input's length.
int score_math(const Given& given) {
  rewards::math::CheckOptions options;
  options.steps = given.steps;
  options.policy = policy_of(given.answer_in);
  if (given.threads > 0) set_compute_threads(static_cast<int>(given.threads));
  constexpr size_t block = 2048, block_bytes = 8 << 20;
  std::vector<Line> lines;
  int64_t number = 0, bad = 0;
  for (bool more = true; more;) {
    lines.clear();
    std::string text;
    size_t bytes = 0;
    while (lines.size() < block && bytes < block_bytes && (more = static_cast<bool>(std::getline(std::cin, text)))) {
      bytes += text.size();
      lines.push_back({.text = text});
      if (std::cin.rdbuf()->in_avail() <= 0) break;  // a slow writer gets its answers at once
    }
    parallel_for(static_cast<std::ptrdiff_t>(lines.size()), 8, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
      for (std::ptrdiff_t i = begin; i < end; ++i) {
        Line& each = lines[static_cast<size_t>(i)];
        if (each.text.find_first_not_of(" \t\r") != std::string::npos) judge(each, number + i + 1, options);
      }
    });
    for (const Line& each : lines) {
      bad += each.bad ? 1 : 0;
      if (!each.out.empty()) std::fprintf(stdout, "%s\n", each.out.c_str());
    }
    std::fflush(stdout);
    number += static_cast<int64_t>(lines.size());
  }
  if (bad == 0) return 0;
  std::fprintf(stderr, "error: %lld of %lld lines could not be read; each has an object with \"error\" in its place\n",
               static_cast<long long>(bad), static_cast<long long>(number));
  return 2;
}

Action math_command(Arguments& args) {
  auto given = std::make_shared<Given>();
  args.option("--threads", given->threads, "Threads; 0: one for each CPU");
  args.option("--steps", given->steps, "Work allowed for one case (a step is about 10 ns); more is undecided");
  args.option("--answer-in", given->answer_in, "Where an answer counts: box, marked (\"Answer:\" too) or anywhere");
  args.example("posttrain score math < in.jsonl   # {\"id\", \"gold\", \"pred\"} a line");
  return [given] { return score_math(*given); };
}

constexpr Command table[] = {
    {"code", "Score", "Judge programs by the hidden tests of their problems", &score_code_command},
    {"lean", "Score", "Judge Lean proofs by a toolchain or by the kernel of a fragment", &score_lean_command},
    {"math", "Score", "Judge replies against gold answers as mathematics", &math_command},
};

}  // namespace

Action score_command(Arguments& args) {
  args.example("posttrain score code HumanEval.jsonl --completions samples.jsonl");
  return args.subcommands(table);
}

}  // namespace posttrain::cli
