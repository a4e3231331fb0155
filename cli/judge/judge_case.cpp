#include "cli/judge/judge_case.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "base/error.h"

namespace posttrain::cli {
namespace {

using namespace std::chrono_literals;
using sandbox::Code;

constexpr size_t kWindow = 64 * 1024, kOverlap = 1024;
constexpr const char* kDaemonName = "sbxleft";  // the suite's contract
constexpr int64_t kMib = 1024;                  // in KiB

// POSIX extended notation: classes for the short forms, inside brackets and outside.
std::string posix_pattern(const std::string& pattern) {
  std::string out;
  bool bracket = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      const std::string name = next == 's' ? "[:space:]" : next == 'd' ? "[:digit:]" : next == 'w' ? "[:alnum:]_" : "";
      if (!name.empty())
        out += bracket ? name : "[" + name + "]";
      else
        out += bracket ? std::string(1, next) : std::string("\\") + next;
      continue;
    }
    if (c == '[') bracket = true;
    if (c == ']') bracket = false;
    out += c;
  }
  return out;
}

int64_t used_kib(const char* path) {
  struct statvfs space {};
  if (statvfs(path, &space) != 0) return 0;
  return static_cast<int64_t>((space.f_blocks - space.f_bfree) * (space.f_frsize / 1024));
}

// Looks at the space used on the shared file systems while a case runs.
class DiskWatch {
 public:
  DiskWatch() : before_{used_kib("/tmp"), used_kib("/dev/shm")} {
    thread_ = std::thread([this] {
      while (!done_.load()) {
        rise_ = std::max(rise_.load(), now());
        std::this_thread::sleep_for(10ms);
      }
    });
  }
  ~DiskWatch() { stop(); }
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;
  void stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int64_t highest() const { return rise_.load(); }
  int64_t now() const { return std::max(used_kib("/tmp") - before_[0], used_kib("/dev/shm") - before_[1]); }

 private:
  const int64_t before_[2];
  std::atomic<bool> done_{false};
  std::atomic<int64_t> rise_{0};
  std::thread thread_;
};

// True when `holds` is true at once or within a second.
bool soon(const std::function<bool()>& holds) {
  for (int i = 0; i < 20; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return holds();
}

}  // namespace

Searcher::Searcher(const std::string& nonce, const std::string& pattern) : nonce_(nonce) {
  if (pattern.empty()) return;
  if (regcomp(&pattern_, posix_pattern(pattern).c_str(), REG_EXTENDED) != 0) {
    throw Error("set-up", "shadow_regex", "a regular expression", pattern);
  }
  has_pattern_ = true;
}

Searcher::~Searcher() {
  if (has_pattern_) regfree(&pattern_);
}

bool Searcher::finds_secret(const std::string& text) const {
  if (!nonce_.empty() && text.find(nonce_) != std::string::npos) return true;
  // In windows: the matcher's memory grows with the text it is given.
  for (size_t at = 0; has_pattern_ && at < text.size(); at += kWindow - kOverlap) {
    regmatch_t range[1] = {{static_cast<regoff_t>(at), static_cast<regoff_t>(std::min(at + kWindow, text.size()))}};
    if (regexec(&pattern_, text.data(), 1, range, REG_STARTEND) == 0) return true;
  }
  return false;
}

bool Searcher::finds_breach(const std::string& text) {
  constexpr std::string_view kWord = "BREACH:";
  for (size_t at = text.find(kWord); at != std::string::npos; at = text.find(kWord, at + 1)) {
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r') return true;
  }
  return false;
}

CaseJudge::CaseJudge(const Suite& suite, sandbox::Sandbox& sandbox, rewards::CodeJudge& judge, Bait& bait)
    : suite_(suite),
      sandbox_(sandbox),
      judge_(judge),
      bait_(bait),
      searcher_(suite.setup.nonce, suite.setup.secret_pattern) {}

// Gives the invariants that failed, in words; `only_disk` when the disk is the only one.
std::string CaseJudge::judge_once(const SuiteCase& one, CaseReport& report, bool& only_disk) {
  std::string failed;
  bool other = false, disk = false;
  const auto fail = [&](const std::string& name, const std::string& why) {
    failed += (failed.empty() ? "" : "; ") + name + (why.empty() ? "" : ": " + why);
    (name == "disk_bound" ? disk : other) = true;
  };
  reset_peak_memory();
  const int64_t memory_before = memory_kib();
  DiskWatch watch;
  const rewards::CodeVerdict verdict = judge_.judge(one.task, one.source);
  watch.stop();
  const bool daemon = !processes_named(kDaemonName).empty();
  const int64_t grown = peak_memory_kib() - memory_before;
  report.code = verdict.code;
  report.detail = verdict.detail;
  report.tests.clear();
  if (verdict.code == Code::ie) fail("judge_answers", verdict.detail);
  if (verdict.compiled.wall_ms > one.task.compile.wall_s * 1e3 + 1e3) fail("wall_bound", "the compiler");
  bool breach_line = false, secret = searcher_.finds_secret(verdict.compiled.diagnostics);
  for (const rewards::TestVerdict& test : verdict.tests) {
    report.tests.push_back(test.code);
    report.cpu_ms = std::max(report.cpu_ms, test.run.cpu_ms);
    report.wall_ms = std::max(report.wall_ms, test.run.wall_ms);
    report.memory_kib = std::max(report.memory_kib, test.run.memory_kib);
    for (const std::string* text : {&test.run.out, &test.run.err, &test.run.record}) {
      breach_line = breach_line || Searcher::finds_breach(*text);
      secret = secret || searcher_.finds_secret(*text);
    }
    if (test.run.wall_ms > one.task.limits.wall_s * 1e3 + 1e3) fail("wall_bound", "a test");
  }
  if (breach_line && one.must("no_breach")) fail("no_breach", "the program says so");
  if (secret && one.must("no_secret")) fail("no_secret", "in what was written");
  const std::string changes = bait_.changes();
  if (!changes.empty()) fail("host_unchanged", changes);
  report.breach =
      report.breach || (breach_line && one.must("no_breach")) || (secret && one.must("no_secret")) || !changes.empty();
  if (one.must("judge_memory") && grown > 64 * kMib) fail("judge_memory", std::to_string(grown / kMib) + " MiB");
  if (one.must("no_process_left")) {
    // The launcher, the first process of its namespace, and per box a supervisor, an init and the Python server.
    const size_t own = 2 + 3;
    const bool gone =
        soon([&] { return processes_named(kDaemonName).empty() && processes_below(sandbox_.launcher_pid()) <= own; });
    if (!gone || daemon) fail("no_process_left", daemon ? "at the verdict" : "after a second");
  }
  if (one.must("disk_bound")) {
    const int64_t bound = std::max(one.task.limits.disk_mib, one.task.compile.disk_mib) + 64;
    if (watch.highest() > bound * kMib)
      fail("disk_bound", std::to_string(watch.highest() / kMib) + " MiB");
    else if (!soon([&] { return watch.now() <= 16 * kMib; }))
      fail("disk_bound", "not given back");
  }
  const std::string& benign =
      one.task.language == rewards::Language::cpp ? suite_.next_benign_cpp : suite_.next_benign_python;
  const SuiteCase* next = suite_.find(benign);
  if (one.must("next_benign_ok") && next != nullptr) {
    rewards::CodeTask task = next->task;
    task.tests.resize(std::min<size_t>(1, task.tests.size()));
    const rewards::CodeVerdict after = judge_.judge(task, next->source);
    if (after.code != Code::ac) fail("next_benign_ok", std::string(to_string(after.code)) + " " + after.detail);
  }
  only_disk = disk && !other;
  return failed;
}

CaseReport CaseJudge::judge(const SuiteCase& one) {
  CaseReport report;
  report.id = one.id;
  for (int64_t i = 0; i < std::max<int64_t>(1, one.repeat); ++i) {
    bool only_disk = false;
    std::string failed = judge_once(one, report, only_disk);
    if (only_disk) failed = judge_once(one, report, only_disk);  // others write to the disk too
    const bool expected = std::ranges::find(one.expect, to_string(report.code)) != one.expect.end();
    report.ok = failed.empty() && expected;
    if (!failed.empty()) report.detail = failed + (report.detail.empty() ? "" : "; " + report.detail);
    if (!report.ok) break;
  }
  return report;
}

}  // namespace posttrain::cli
