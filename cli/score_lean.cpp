// `posttrain score lean`: judges Lean proofs, one JSON object a line in, one a line out in the same order.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/arguments.h"
#include "cli/score_lines.h"
#include "rewards/lean.h"

namespace posttrain::cli {
namespace {

struct ScoreLeanGiven {
  rewards::LeanSettings lean;
  int64_t threads = 0;
  std::string command;
};

Json judge_proof(const Json& row, int64_t number, rewards::LeanBackend& backend) {
  const std::string statement = row_text(row, "statement", number), proof = row_text(row, "proof", number);
  const rewards::LeanResult r = backend.judge(statement, proof);
  Json out;
  out["id"] = row.contains("id") ? row["id"] : Json(number);
  out["verdict"] = to_string(r.verdict);
  // Nobody judged a failed line, so it has no reward.
  out["reward"] = r.verdict == Verdict::failed ? Json() : Json(r.verdict == Verdict::right ? 1 : 0);
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
  return out;
}

// Waits for toolchains, so threads of its own and not those of compute loops.
void on_threads(size_t threads, size_t count, const std::function<void(size_t)>& each) {
  std::atomic<size_t> next{0};
  std::vector<std::jthread> team;
  for (size_t t = 0; t < std::min(threads, count); ++t) {
    team.emplace_back([&] {
      for (size_t i; (i = next++) < count;) each(i);
    });
  }
}

int score_lean(ScoreLeanGiven given) {
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
  return score_lines(
      {.judge = [&](const Json& row, int64_t number) { return judge_proof(row, number, *backend); },
       .for_each = [&](size_t count, const std::function<void(size_t)>& each) { on_threads(threads, count, each); },
       .block = 256});
}

}  // namespace

Action score_lean_command(Arguments& args) {
  auto given = std::make_shared<ScoreLeanGiven>();
  args.settings(slot(given->lean), {"command", "timeout_s", "max_steps"});
  args.option("--timeout", given->lean.timeout_s, "Seconds for one proof; beyond them it is undecided", {.min = 0.1});
  args.option("--steps", given->lean.max_steps, "Steps of the kernel for one proof; beyond them it is undecided",
              {.min = 1000});
  args.option("--command", given->command, "The toolchain's command, parted by blanks");
  args.option("--threads", given->threads, "Threads; 0: one for each CPU", {.min = 0, .max = 1024});
  args.example("posttrain score lean < in.jsonl   # {\"id\", \"statement\", \"proof\"} a line");
  return [given] { return score_lean(*given); };
}

}  // namespace posttrain::cli
