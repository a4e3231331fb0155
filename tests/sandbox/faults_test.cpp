// The sandbox's own failures say so, harm no verdict and leave nothing behind.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <thread>

#include "tests/sandbox/boxes.h"

namespace posttrain::sandbox {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Living processes whose program is the launcher's, on the whole machine, started by `user`'s tests or not.
std::set<int> launchers() {
  std::set<int> found;
  DIR* dir = opendir("/proc");
  while (const dirent* entry = readdir(dir)) {
    const int pid = std::atoi(entry->d_name);
    if (pid > 0 && slurp("/proc/" + std::to_string(pid) + "/comm").starts_with("posttrain-launc") &&
        slurp("/proc/" + std::to_string(pid) + "/stat").find(") Z ") == std::string::npos) {
      found.insert(pid);
    }
  }
  closedir(dir);
  return found;
}

size_t open_descriptors() {
  size_t count = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t spare_kib = 256 * 1024;  // the sanitizer keeps freed memory for a while
#else
constexpr int64_t spare_kib = 8 * 1024;
#endif

int64_t resident_kib() {
  const std::string status = slurp("/proc/self/status");
  return std::atoll(status.c_str() + status.find("VmRSS:") + 6);
}

TEST(Faults, AKilledLauncherIsNoVerdictAndTheNextRunWorks) {
  NEEDS_SANDBOX();
  Options options;
  options.boxes = 1;
  Sandbox boxes(options);
  Outcome during;
  std::thread running([&] { during = run_python("import time; time.sleep(1000)", "", quick_limits(), &boxes); });
  usleep(500'000);
  kill(boxes.launcher_pid(), SIGKILL);
  running.join();
  EXPECT_EQ(judge_end(during), Code::ie);
  EXPECT_LT(during.wall_ms, 1000 * quick_limits().wall_s) << "nobody waited for the limit";
  EXPECT_EQ(run_python("print(1)", "", quick_limits(), &boxes).out, "1\n");
}

TEST(Faults, AHostKilledInMidRunLeavesNoProcess) {
  NEEDS_SANDBOX();
  const std::set<int> before = launchers();
  const pid_t host = fork();
  if (host == 0) {
    Options options;
    options.boxes = 1;
    Sandbox boxes(options);
    run_python("import time; time.sleep(60)", "", quick_limits(), &boxes);
    _exit(0);
  }
  std::set<int> during;
  for (int i = 0; i < 6000 && during.size() < before.size() + 3; ++i) {
    usleep(50'000);
    during = launchers();
  }
  kill(host, SIGKILL);
  waitpid(host, nullptr, 0);
  std::set<int> left;
  for (int i = 0; i < 6000; ++i) {
    left.clear();
    for (const int pid : launchers()) {
      if (!before.contains(pid) && during.contains(pid)) left.insert(pid);
    }
    if (left.empty()) break;
    usleep(50'000);
  }
  EXPECT_GE(during.size(), before.size() + 3);
  EXPECT_TRUE(left.empty()) << left.size() << " processes";
}

TEST(Faults, WithoutDescriptorsTheRunFailsAndTheSandboxRecovers) {
  NEEDS_SANDBOX();
  run_python("print(1)");
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  const rlimit few{4, old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  const Outcome run = run_python("print(1)");
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(judge_end(run), Code::ie);
  EXPECT_EQ(run_python("print(1)").out, "1\n");
}

// The exit status of a child that runs `body`; what it throws is said and makes 1, since the tests that follow are not
// the child's.
int exit_of_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      _exit(body());
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "in the child: %s\n", failure.what());
      _exit(1);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Mounts a full disk there; what the checkout has built stays in sight where it lies within.
bool fill_disk(const std::string& folder) {
  const std::filesystem::path built = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const Fd kept(open(built.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (mount("full", folder.c_str(), "tmpfs", 0, "size=4k") != 0) return false;
  if (built.string().starts_with(folder + "/")) {
    std::filesystem::create_directories(built);
    const std::string from = "/proc/self/fd/" + std::to_string(kept.get());
    if (mount(from.c_str(), built.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
  }
  std::ofstream(folder + "/full") << std::string(4096, 'x');
  return true;
}

TEST(Faults, AFullDiskOfTheHostTouchesNoVerdict) {
  NEEDS_SANDBOX();
  const int status = exit_of_child([] {
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return 77;
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm"}) {
      if (!fill_disk(folder)) return 77;
    }
    Options options;
    options.boxes = 1;
    Sandbox boxes(options);
    const Outcome run = run_python("open('f', 'w').write('x' * 100000); print(1)", "", quick_limits(), &boxes);
    return run.out == "1\n" ? 0 : 1;
  });
  if (status == 77) GTEST_SKIP() << "no mounts here";
  EXPECT_EQ(status, 0);
}

TEST(Faults, WithoutUserNamespacesItRefusesToStart) {
  NEEDS_SANDBOX();
  const int status = exit_of_child([] {
    if (unshare(CLONE_NEWUSER) != 0) return 77;
    const int limit = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
    if (limit < 0 || write(limit, "0", 1) != 1) return 77;
    try {
      Options options;
      options.mode = Mode::warn;
      const Sandbox boxes(options);
    } catch (const Failure&) {
      return 0;
    }
    return 1;
  });
  if (status == 77) GTEST_SKIP() << "the limit can't be set here";
  EXPECT_EQ(status, 0);
}

TEST(Faults, AMissingLayerIsRefusedByRequireAndNamed) {
  Options options;
  options.boxes = 1;
  options.launcher = FAKE_LAUNCHER;  // says that it has no Landlock and no filter
  try {
    const Sandbox boxes(options);
    FAIL() << "it started";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("Landlock"), std::string::npos) << failure.what();
  }
  options.mode = Mode::warn;
  EXPECT_NO_THROW(Sandbox{options});
  options.launcher = "/nowhere/launcher";
  EXPECT_THROW(Sandbox{options}, Failure);
  EXPECT_EQ(missing_layers(~0u, true), "");
  EXPECT_NE(missing_layers(~kSeccomp, true).find("seccomp"), std::string::npos);
}

TEST(Faults, ManyMixedProgramsLeaveNoTrace) {
  NEEDS_SANDBOX();
  const char* asked = std::getenv("POSTTRAIN_SOAK");
  const int runs = asked != nullptr ? std::atoi(asked) : 90;
  Options options;
  options.boxes = 2;
  options.runs_per_box = 40;
  Sandbox boxes(options);
  Limits limits = quick_limits();
  limits.wall_s = 60;
  limits.cpu_s = 0.05;
  limits.stdout_kib = 16;
  const char* programs[] = {"print(1)",
                            "1/0",
                            "import os; os._exit(0)",
                            "while True: pass",
                            "import os\nwhile True: os.write(1, b'x' * 4096)",
                            "open('/tmp/x', 'w').write('y' * 100000)"};
  const Fd file(open("/usr/bin/true", O_RDONLY | O_CLOEXEC));
  const Fd native = memory_copy(file.get(), static_cast<size_t>(lseek(file.get(), 0, SEEK_END)));
  const auto one = [&](int i) {
    if (i % 8 < 6) return run_python(programs[i % 8], "", limits, &boxes);
    Job job;
    job.limits = limits;
    if (i % 8 == 6) {
      job.program = native.get();
      job.argv = {"true"};
    } else {
      job.kind = Kind::command;
      job.argv = {"/bin/sh", "-c", "cat a; (sleep 100 &) ; mkdir d; echo 1 > d/f; exit 3"};
      job.files = {{"a", "text"}};
    }
    return boxes.run(job);
  };
  const auto part = [&](int first, int count) {
    for (int i = first; i < first + count; ++i) {
      const Outcome run = one(i);
      if (!run.error.empty()) ADD_FAILURE() << run.error;
    }
  };
  part(0, 60);  // warm
  const size_t descriptors = open_descriptors(), processes = launchers().size();
  const std::string mounts = slurp("/proc/self/mountinfo");
  const int64_t memory = resident_kib();
  std::thread other([&] { part(1, runs / 2); });
  part(0, runs / 2);
  other.join();
  EXPECT_LE(open_descriptors(), descriptors + 2);
  // The second box may have been new; boxes that were replaced end a moment later.
  for (int i = 0; i < 6000 && launchers().size() > processes + 3; ++i) usleep(50'000);
  EXPECT_LE(launchers().size(), processes + 3);
  EXPECT_EQ(slurp("/proc/self/mountinfo"), mounts);
  EXPECT_LT(resident_kib(), memory + spare_kib);
}

}  // namespace
}  // namespace posttrain::sandbox
