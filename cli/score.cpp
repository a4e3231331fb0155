// `posttrain score math`: judges pairs of a gold answer and a reply, one JSON object a line in, one a line out.
#include <ctime>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "cli/score_lines.h"
#include "mathcheck/checker.h"

namespace posttrain::cli {

Action score_code_command(Arguments&);
Action score_lean_command(Arguments&);
namespace {

struct ScoreGiven {
  int64_t threads = 0, steps = mathcheck::CheckOptions{}.steps;
  std::string answer_in = "anywhere";
};

mathcheck::Policy policy_of(const std::string& name) {
  if (name == "box") return mathcheck::Policy::box;
  if (name == "marked") return mathcheck::Policy::marked;
  if (name == "anywhere") return mathcheck::Policy::lenient;
  throw Error("score math", "--answer-in", "box, marked or anywhere", name);
}

// Time of this thread on a CPU: what a case costs, whatever else the machine does.
double thread_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

Json judge_math(const Json& row, int64_t number, const mathcheck::CheckOptions& options) {
  const std::string gold = row_text(row, "gold", number), pred = row_text(row, "pred", number);
  const double start = thread_microseconds();
  const auto result = mathcheck::check(gold, pred, options);
  const double took = thread_microseconds() - start;
  Json out;
  out["id"] = row.contains("id") ? row["id"] : Json(number);
  out["reward"] = result.verdict == Verdict::right ? 1 : 0;
  out["verdict"] = to_string(result.verdict);
  out["gold_parsed"] = result.gold_parsed;
  out["pred_parsed"] = result.pred_parsed;
  out["method"] = result.method;
  out["us"] = static_cast<int64_t>(took);
  return out;
}

int score_math(const ScoreGiven& given) {
  mathcheck::CheckOptions options;
  options.steps = given.steps;
  options.policy = policy_of(given.answer_in);
  if (given.threads > 0) set_compute_threads(static_cast<int>(given.threads));
  return score_lines({.judge = [&](const Json& row, int64_t number) { return judge_math(row, number, options); },
                      .for_each =
                          [](size_t count, const std::function<void(size_t)>& each) {
                            parallel_for(static_cast<std::ptrdiff_t>(count), 8,
                                         [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                                           for (std::ptrdiff_t i = begin; i < end; ++i) each(static_cast<size_t>(i));
                                         });
                          },
                      .block = 2048});
}

Action math_command(Arguments& args) {
  auto given = std::make_shared<ScoreGiven>();
  args.option("--threads", given->threads, "Threads; 0: one for each CPU", {.min = 0, .max = 1024});
  args.option("--steps", given->steps, "Work allowed for one case (a step is about 10 ns); more is undecided",
              {.min = 1});
  args.option("--answer-in", given->answer_in, "Where an answer counts: box, marked (\"Answer:\" too) or anywhere");
  args.example("posttrain score math < in.jsonl   # {\"id\", \"gold\", \"pred\"} a line");
  return [given] { return score_math(*given); };
}

constexpr Command kScores[] = {
    {"code", "Score", "Judge programs by the hidden tests of their problems", &score_code_command},
    {"lean", "Score", "Judge Lean proofs by a toolchain or by the kernel of a fragment", &score_lean_command},
    {"math", "Score", "Judge replies against gold answers as mathematics", &math_command},
};

}  // namespace

Action score_command(Arguments& args) {
  args.example("posttrain score code HumanEval.jsonl --completions samples.jsonl");
  return args.subcommands(kScores);
}

}  // namespace posttrain::cli
