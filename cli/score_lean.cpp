// `posttrain score lean`: judges Lean proofs, one JSON object a line in, one a line out in the same order.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "rewards/lean.h"

namespace posttrain::cli {
namespace {

struct Given {
  rewards::LeanSettings lean;
  int64_t threads = 0;
  std::string command;
};

struct Line {
  std::string text, out;
  bool bad = false;
};

void judge(Line& line, int64_t number, rewards::LeanBackend& backend) {
  try {
    const Json row = parse_json(line.text, "line " + std::to_string(number));
    const auto field = [&](const char* name) {
      if (!row.is_object() || !row.contains(name) || !row[name].is_string())
        throw Error("line " + std::to_string(number), name, "text", row.is_object() ? "something else" : "no object");
      return row[name].get<std::string>();
    };
    const rewards::LeanResult r = backend.judge(field("statement"), field("proof"));
    Json out;
    out["id"] = row.contains("id") ? row["id"] : Json(number);
    out["verdict"] = rewards::to_string(r.verdict);
    // Nobody judged a failed line, so it has no reward.
    out["reward"] = r.verdict == rewards::Verdict::failed ? Json() : Json(r.verdict == rewards::Verdict::right ? 1 : 0);
    out["backend"] = r.backend;
    out["trust"] = r.trust;
    out["pass"] = r.pass;
    out["complete"] = r.complete;
    out["message"] = r.message;
    out["line"] = r.error_line;
    out["column"] = r.error_column;
    out["goals"] = r.goals;
    out["axioms"] = r.axioms;
    out["ms"] = r.milliseconds;
    line.out = to_line(out);
  } catch (const std::exception& error) {
    line.bad = true;
    line.out = to_line(Json{{"error", error.what()}, {"line", number}});
  }
}

int score_lean(Given given) {
  if (!given.command.empty()) {
    given.lean.command.clear();
    for (size_t at = 0; at < given.command.size();) {
      const size_t end = std::min(given.command.find(' ', at), given.command.size());
      if (end > at) given.lean.command.push_back(given.command.substr(at, end - at));
      at = end + 1;
    }
  }
  const auto backend = rewards::make_lean_backend(given.lean);
  const auto threads =
      static_cast<size_t>(given.threads > 0 ? given.threads : std::max(1u, std::thread::hardware_concurrency()));
  std::vector<Line> lines;
  int64_t number = 0;
  bool bad = false;
  for (bool more = true; more;) {
    lines.clear();
    Line line;
    while (lines.size() < 256 && (more = static_cast<bool>(std::getline(std::cin, line.text)))) {
      lines.push_back(line);
      if (std::cin.rdbuf()->in_avail() <= 0) break;  // a slow writer gets its answers at once
    }
    std::vector<std::thread> team;
    for (size_t t = 0; t < std::min(threads, lines.size()); ++t)
      team.emplace_back([&, t] {
        for (size_t i = t; i < lines.size(); i += threads)
          if (lines[i].text.find_first_not_of(" \t\r") != std::string::npos)
            judge(lines[i], number + static_cast<int64_t>(i) + 1, *backend);
      });
    for (std::thread& member : team) member.join();
    for (const Line& each : lines) {
      bad |= each.bad;
      if (!each.out.empty()) std::printf("%s\n", each.out.c_str());
    }
    std::fflush(stdout);
    number += static_cast<int64_t>(lines.size());
  }
  return bad ? 2 : 0;
}

}  // namespace

Action score_lean_command(Arguments& args) {
  auto given = std::make_shared<Given>();
  args.option("--backend", given->lean.backend, "kernel (a Lean-syntax fragment, not Lean), lean or off");
  args.option("--toolchain", given->lean.toolchain, "With --backend lean: repl, lake or kimina");
  args.option("--command", given->command, "The toolchain's command, parted by blanks");
  args.option("--project", given->lean.project, "Folder of the Lean project");
  args.option("--url", given->lean.url, "Address of a Kimina server");
  args.option("--timeout", given->lean.timeout_s, "Seconds for one proof; beyond them it is undecided");
  args.option("--steps", given->lean.max_steps, "Steps of the kernel for one proof; beyond them it is undecided");
  args.option("--threads", given->threads, "Threads; 0: one for each CPU");
  args.example("posttrain score lean < in.jsonl   # {\"id\", \"statement\", \"proof\"} a line");
  return [given] { return score_lean(*given); };
}

}  // namespace posttrain::cli
