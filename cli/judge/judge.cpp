// posttrain judge MANIFEST: hostile and honest programs against the sandbox, with bait on the host.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/judge/judge_case.h"
#include "cli/judge/judge_load.h"

namespace posttrain::cli {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

void interrupt(int) {
  stop_asked = 1;
}

struct JudgeGiven {
  std::string manifest, sandbox = "require", cgroup;
  std::vector<std::string> only;
  int64_t load = 0;
  bool json = false;
};

void print_line(const Json& line) {
  std::printf("%s\n", to_line(line).c_str());
  std::fflush(stdout);
}

void print_case(const CaseReport& report, bool json) {
  if (!json) {
    std::printf("%-4s %-28s %-3s %7.0f ms %7.0f ms cpu %6.1f MiB  %s\n", report.ok ? "ok" : "FAIL", report.id.c_str(),
                to_string(report.code), report.wall_ms, report.cpu_ms, static_cast<double>(report.memory_kib) / 1024,
                report.ok ? "" : Json(report.detail).dump(-1, ' ', true, Json::error_handler_t::replace).c_str());
    std::fflush(stdout);
    return;
  }
  Json tests = Json::array();
  for (const sandbox::Code code : report.tests) tests.push_back(to_string(code));
  print_line({{"id", report.id},
              {"verdict", to_string(report.code)},
              {"ok", report.ok},
              {"breach", report.breach},
              {"detail", report.detail.substr(0, 2000)},
              {"cpu_ms", report.cpu_ms},
              {"wall_ms", report.wall_ms},
              {"mem_peak_kib", report.memory_kib},
              {"tests", std::move(tests)}});
}

// Judges every case; the bait is gone when this returns. The ids that failed, and honest programs of the load.
struct Judged {
  std::vector<std::string> failed, load_failed;
  int64_t load_runs = 0;
};
Judged judge_all(const Suite& suite, const JudgeGiven& given) {
  sandbox::Options options;
  options.boxes = 1;  // one case at a time, and the honest program after it in the same box
  options.cgroup = given.cgroup;
  options.mode = given.sandbox == "warn" ? sandbox::Mode::warn : sandbox::Mode::require;
  // Which host user boxes have is known before one is made.
  Bait bait(suite.setup, sandbox::box_user(0));
  sandbox::Sandbox boxes(options);
  sandbox::Compiler compiler(boxes);
  rewards::CodeJudge judge(boxes, compiler);
  CaseJudge cases(suite, boxes, judge, bait);
  JudgeLoad load(suite, given.load, options);
  Judged judged;
  for (const SuiteCase& one : suite.cases) {
    if (stop_asked != 0) break;
    if (!given.only.empty() && std::ranges::find(given.only, one.id) == given.only.end()) continue;
    CaseReport report;
    try {
      report = cases.judge(one);
    } catch (const std::exception& error) {
      report = {};
      report.id = one.id;
      report.detail = error.what();
    }
    print_case(report, given.json);
    if (!report.ok) judged.failed.push_back(one.id);
  }
  load.stop();
  judged.load_runs = load.judged();
  judged.load_failed = load.failed();
  return judged;
}

int judge_suite(const JudgeGiven& given) {
  if (given.sandbox != "require" && given.sandbox != "warn")
    throw Error("judge", "--sandbox", "require or warn", given.sandbox);
  const Suite suite = read_suite(given.manifest);
  struct sigaction action {};
  action.sa_handler = interrupt;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  const std::vector<std::string> before = host_inventory();
  const Judged judged = judge_all(suite, given);
  std::vector<std::string> left;
  for (int i = 0; i < 20; ++i) {
    const std::vector<std::string> after = host_inventory();
    left.clear();
    std::ranges::set_difference(after, before, std::back_inserter(left));
    if (left.empty()) break;
    usleep(50'000);
  }
  if (given.json) {
    Json summary = {{"cases", suite.cases.size()}, {"failed", judged.failed}, {"left", left}};
    if (given.load > 0) summary["load"] = {{"runs", judged.load_runs}, {"failed", judged.load_failed}};
    print_line({{"summary", std::move(summary)}});
  } else {
    std::printf("%zu cases, %zu failed, %zu left behind\n", suite.cases.size(), judged.failed.size(), left.size());
    if (given.load > 0) {
      std::printf("%lld honest programs beside them, %zu failed\n", static_cast<long long>(judged.load_runs),
                  judged.load_failed.size());
    }
    for (const std::string& line : judged.load_failed) std::printf("beside: %s\n", line.c_str());
    for (const std::string& line : left) std::printf("left: %s\n", line.c_str());
  }
  if (stop_asked != 0) return 130;
  return judged.failed.empty() && judged.load_failed.empty() && left.empty() ? 0 : 1;
}

}  // namespace

Action judge_command(Arguments& args) {
  auto given = std::make_shared<JudgeGiven>();
  args.positional("manifest", given->manifest, "manifest.json of the suite");
  args.flag("--json", given->json, "One JSON object a case, then a summary");
  args.option("--only", given->only, "Ids of cases to judge; without it all");
  args.option("--cgroup", given->cgroup, "Exact meter: own, or the folder of a lent group");
  args.option("--load", given->load, "Honest programs of the suite that run beside it, so many at a time",
              {.min = 0, .max = 256});
  args.option("--sandbox", given->sandbox, "require: refuse a wall with gaps; warn: go on");
  args.example("posttrain judge sandbox_attacks/manifest.json --json");
  return [given] { return judge_suite(*given); };
}

}  // namespace posttrain::cli
