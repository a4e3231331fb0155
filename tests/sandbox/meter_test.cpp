// The exact meter: what control groups count, and that none is left behind. Skipped where the machine lends none.
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "sandbox/control_groups.h"
#include "tests/sandbox/boxes.h"

namespace posttrain::sandbox {
namespace {

// POSTTRAIN_CGROUP names a version 2 group where this process's own holds processes.
std::string where() {
  const char* named = std::getenv("POSTTRAIN_CGROUP");
  return named != nullptr ? named : "own";
}

std::string why_no_groups() {
  try {
    ControlGroups(where()).make();
    return "";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

#define NEEDS_GROUPS() \
  NEEDS_SANDBOX();     \
  if (const std::string why = why_no_groups(); !why.empty()) GTEST_SKIP() << why

Options metered() {
  Options options;
  options.boxes = 1;
  options.cgroup = where();
  return options;
}

TEST(Meter, CountsMemoryAndCpuTimeOfAllThreads) {
  NEEDS_GROUPS();
  Sandbox boxes(metered());
  EXPECT_NE(boxes.layers() & kCgroup, 0u);
  const Outcome memory = run_python("a = b'x' * (64 << 20); del a; print(1)", "", quick_limits(), &boxes);
  EXPECT_EQ(memory.out, "1\n") << memory.error << memory.err;
  EXPECT_GE(memory.memory_kib, 64 * 1024);
  EXPECT_LT(memory.memory_kib, 72 * 1024);
  const Outcome files = run_python("open('/tmp/f', 'wb').write(b'x' * (32 << 20))", "", quick_limits(), &boxes);
  EXPECT_GE(files.memory_kib, 32 * 1024) << "files in memory are memory";
  const Outcome busy = run_python(
      "import hashlib, threading\nblock = bytes(1 << 20)\n"
      "def burn():\n  for _ in range(150): hashlib.sha256(block).digest()\n"
      "t = [threading.Thread(target=burn) for _ in range(2)]\n[x.start() for x in t]; [x.join() for x in t]",
      "", quick_limits(), &boxes);
  EXPECT_GT(busy.cpu_ms, 50);
}

TEST(Meter, TheKernelEndsWhatIsTouchedBetweenTwoLooks) {
  NEEDS_GROUPS();
  Sandbox boxes(metered());
  const Outcome run = run_python("a = bytearray(b'x') * (1 << 30)", "", quick_limits(), &boxes);
  EXPECT_EQ(run.stop, Stop::memory);
  EXPECT_LE(run.memory_kib, 128 * 1024);
  EXPECT_EQ(run_python("print(1)", "", quick_limits(), &boxes).out, "1\n");
}

TEST(Meter, NoGroupIsLeft) {
  NEEDS_GROUPS();
  std::vector<std::string> folders;
  const auto note = [&](const std::string& joined) {
    for (size_t at = 0; at < joined.size();) {
      const size_t end = std::min(joined.find(':', at), joined.size());
      folders.push_back(std::filesystem::path(joined.substr(at, end - at)).parent_path());
      at = end + 1;
    }
  };
  note(ControlGroups(where()).folders());
  const auto groups_of = [&](pid_t pid) {
    size_t count = 0;
    for (const std::string& folder : folders) {
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        count += entry.path().filename().string().starts_with("posttrain-" + std::to_string(pid) + "-") ? 1 : 0;
      }
    }
    return count;
  };
  {
    Sandbox boxes(metered());
    EXPECT_EQ(groups_of(getpid()), folders.size());
  }
  EXPECT_EQ(groups_of(getpid()), 0u);
  const auto start_host = [] {
    const pid_t host = fork();
    if (host == 0) {
      Sandbox boxes(metered());
      run_python("import time; time.sleep(60)", "", quick_limits(), &boxes);
      _exit(0);
    }
    return host;
  };
  const auto expect_none_after_kill = [&](pid_t host) {
    kill(host, SIGKILL);
    waitpid(host, nullptr, 0);
    for (int i = 0; i < 5000 && groups_of(host) > 0; ++i) usleep(1000);
    EXPECT_EQ(groups_of(host), 0u) << "the launcher outlives its host for as long as this takes";
  };
  const pid_t running = start_host();
  for (int i = 0; i < 10'000 && groups_of(running) < folders.size(); ++i) usleep(1000);
  EXPECT_EQ(groups_of(running), folders.size());
  expect_none_after_kill(running);
  for (int count = 0; count < 20; ++count) {  // killed anywhere on the way there
    const pid_t host = start_host();
    usleep(static_cast<useconds_t>(count) * 500);
    expect_none_after_kill(host);
  }
}

TEST(Meter, AGroupThatIsNotLentIsRefusedOrNamed) {
  Options options = metered();
  options.cgroup = "/nowhere/group";
  EXPECT_THROW(Sandbox{options}, Failure);
}

}  // namespace
}  // namespace posttrain::sandbox
