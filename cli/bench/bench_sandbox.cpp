// posttrain bench sandbox: isolated runs, Python function tests and compiles a second, beside bubblewrap's rate.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/median.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "rewards/code_judge.h"

namespace posttrain::cli {
namespace {

using sandbox::Code;

struct BenchSandboxGiven {
  int64_t workers = 2, rounds = 3;
  double seconds = 2;
  bool json = false;
};

// Times a second that `body` returns true, with so many threads; -1 when it ever returns false.
double rate(int64_t workers, double seconds, const std::function<bool()>& body) {
  using Clock = std::chrono::steady_clock;
  std::atomic<int64_t> done{0};
  std::atomic<bool> failed{false};
  const auto start = Clock::now(),
             end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < workers; ++i) {
    threads.emplace_back([&] {
      while (Clock::now() < end && !failed) body() ? ++done : (failed = true, done.load());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failed ? -1 : static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - start).count();
}

// The same tree as a box has (sandbox/tree.cpp), as far as bubblewrap can build it: it has no filter, no limits, no
// meter.
bool run_bubblewrap() {
  static const char* const kArguments[] = {
      "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", "--uid",
      "1000", "--gid", "1000",
      // system folders, read-only
      "--ro-bind", "/usr/bin", "/usr/bin", "--ro-bind", "/usr/lib", "/usr/lib", "--ro-bind-try", "/usr/lib64",
      "/usr/lib64", "--ro-bind-try", "/usr/lib32", "/usr/lib32", "--ro-bind-try", "/usr/libx32", "/usr/libx32",
      "--ro-bind-try", "/usr/libexec", "/usr/libexec", "--ro-bind-try", "/usr/include", "/usr/include", "--ro-bind-try",
      "/usr/share/zoneinfo", "/usr/share/zoneinfo", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
      "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin",
      "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
      // the run's own folders
      "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/box/run", "--dir", "/box/run/work", "--dir", "/box/run/tmp",
      "--dir", "/box/run/vtmp", "--symlink", "/box/run/tmp", "/tmp", "--symlink", "/box/run/vtmp", "/var/tmp",
      "--chdir", "/box/run/work", "--remount-ro", "/", "/usr/bin/true", nullptr};
  pid_t child = 0;
  if (posix_spawnp(&child, "bwrap", nullptr, nullptr, const_cast<char* const*>(kArguments), environ) != 0) return false;
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

int bench(const BenchSandboxGiven& given) {
  sandbox::Options options;
  options.boxes = static_cast<int>(given.workers);
  sandbox::Sandbox boxes(options);
  sandbox::Compiler compiler(boxes);
  rewards::CodeJudge judge(boxes, compiler);
  const sandbox::Fd file(open("/usr/bin/true", O_RDONLY | O_CLOEXEC));
  if (!file) throw Failure("bench", "/usr/bin/true can't be read");
  const sandbox::Fd program = sandbox::memory_copy(file.get(), static_cast<size_t>(lseek(file.get(), 0, SEEK_END)));
  const auto trivial = [&] {
    sandbox::Job job;
    job.program = program.get();
    job.argv = {"true"};
    return sandbox::judge_end(boxes.run(job)) == Code::ac;
  };
  const std::string source = "def add(a, b):\n    return a + b\n";
  const auto function = [&] {
    std::string payload;
    sandbox::Outcome run;
    return judge.evaluate(source, R"({"entry":"add","args":[1,2]})", {}, payload, run) == Code::ac && payload == "V3";
  };
  std::atomic<int> number{0};
  const auto compile = [&] {
    const std::string text = "#include <bits/stdc++.h>\nint main() { std::vector<int> v(" + std::to_string(++number) +
                             "); std::sort(v.begin(), v.end()); std::cout << v.size(); }\n";
    return compiler.compile({{"main.cpp", text}}, {}).program != nullptr;
  };
  compile();  // makes the precompiled header
  trivial();
  function();
  // Alternating, so that a change of the machine's mood meets all of them.
  std::vector<double> own, python, wrap, compiles, ratios;
  for (int64_t round = 0; round < given.rounds; ++round) {
    own.push_back(rate(given.workers, given.seconds, trivial));
    wrap.push_back(rate(given.workers, given.seconds, run_bubblewrap));
    python.push_back(rate(given.workers, given.seconds, function));
    compiles.push_back(rate(given.workers, given.seconds * 2, compile));
    ratios.push_back(wrap.back() > 0 ? own.back() / wrap.back() : -1);
  }
  const Json result = {{"bench", "sandbox"},
                       {"workers", given.workers},
                       {"rounds", given.rounds},
                       {"runs_per_s", median(own)},
                       {"bubblewrap_per_s", median(wrap)},
                       {"ratio", median(ratios)},
                       {"python_functions_per_s", median(python)},
                       {"compiles_per_min", median(compiles) * 60}};
  if (given.json) {
    std::printf("%s\n", to_line(result).c_str());
    return 0;
  }
  std::printf("%lld workers, median of %lld rounds\n", static_cast<long long>(given.workers),
              static_cast<long long>(given.rounds));
  std::printf("  isolated runs of /usr/bin/true   %8.0f a second\n", median(own));
  std::printf("  the same by bubblewrap           %8.0f a second, ratio %.1f\n", median(wrap), median(ratios));
  std::printf("  Python function tests            %8.0f a second\n", median(python));
  std::printf("  distinct <bits/stdc++.h> sources %8.0f a minute\n", median(compiles) * 60);
  std::printf("-1: not there, or a run failed\n");
  return 0;
}

}  // namespace

Action bench_sandbox_command(Arguments& args) {
  auto given = std::make_shared<BenchSandboxGiven>();
  args.option("--workers", given->workers, "Programs at the same time", {.min = 1, .max = 256});
  args.option("--rounds", given->rounds, "The median of so many is reported", {.min = 1, .max = 1 << 20});
  args.option("--seconds", given->seconds, "Of each measurement", {.min = 0.01, .max = 3600});
  args.flag("--json", given->json, "One JSON object");
  return [given] { return bench(*given); };
}

}  // namespace posttrain::cli
