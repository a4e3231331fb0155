// A run that is cut at every call by which it changes a file, one after the other: at its birth, and while --from takes
// back what stages left. No luck is needed: a tracer kills it at the n-th such call.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <set>

#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

bool changes_files(const __ptrace_syscall_info& call) {
  static const std::set<uint64_t> kinds = {SYS_write,     SYS_pwrite64, SYS_renameat2, SYS_unlinkat,
                                           SYS_ftruncate, SYS_fsync,    SYS_mkdirat,   SYS_fdatasync,
#ifdef SYS_rename
                                           SYS_rename,    SYS_unlink,   SYS_mkdir,     SYS_rmdir,
#endif
                                           SYS_renameat};
  if (call.entry.nr == SYS_openat) return (call.entry.args[2] & O_CREAT) != 0;
  return kinds.contains(call.entry.nr);
}

// A few seconds short of nothing: one stage, a few steps.
std::string short_recipe(int second_steps = 2) {
  return R"({
    "model": {"arch": {"hidden": 8, "layers": 1, "heads": 2, "mlp": 16, "max_positions": 96}},
    "task": {"type": "chain", "min_steps": 2, "max_steps": 2},
    "stages": [
      {"name": "base", "type": "sft", "data": [{"documents": 20}], "steps": 2, "rows_per_step": 2},
      {"name": "more", "type": "sft", "data": [{"documents": 20}], "steps": )" +
         std::to_string(second_steps) + R"(, "rows_per_step": 2, "save_every_steps": 1}
    ]
  })";
}

class Cut : public ProgramTest {
 protected:
  // Kills the program at its n-th call that changes a file, before the call acts. False: it ended by itself before.
  // Skips the test where nothing may be traced.
  bool run_and_cut(const std::vector<std::string>& arguments, int n) const {
    const pid_t child = fork();
    if (child == 0) {
      setenv("OMP_WAIT_POLICY", "passive", 1);  // else the program starts itself anew
      if (freopen("/dev/null", "w", stdout) == nullptr || freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
      std::vector<char*> argv = {const_cast<char*>(POSTTRAIN_PROGRAM)};
      for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(125);
      execv(POSTTRAIN_PROGRAM, argv.data());
      _exit(127);
    }
    int status = 0;
    for (bool first = true; waitpid(child, &status, 0) == child && WIFSTOPPED(status); first = false) {
      int signal = WSTOPSIG(status);
      if (first) ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
      if (signal == (SIGTRAP | 0x80)) {
        __ptrace_syscall_info call{};
        ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), child, sizeof call, &call);
        if (call.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(call) && --n == 0) kill(child, SIGKILL);
      }
      if (signal == SIGTRAP || signal == (SIGTRAP | 0x80)) signal = 0;
      ptrace(PTRACE_SYSCALL, child, nullptr, signal);
    }
    may_trace_ = !(WIFEXITED(status) && WEXITSTATUS(status) == 125);
    return WIFSIGNALED(status);
  }

  std::string weights(const std::string& out) const { return read_file(folder_ / out / "final/model.safetensors"); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  mutable bool may_trace_ = true;
};

TEST_F(Cut, AtEveryStepOfItsBirthARunCanBeBegunOrResumed) {
  write("short.json", short_recipe());
  ASSERT_EQ(run({"run", path("short.json"), "--out", path("whole"), "--progress", "none"}).status, 0);
  bool born = false;
  int n = 1, unborn = 0;
  for (int beyond = 0; beyond < 3; ++n) {
    std::filesystem::remove_all(folder_ / "a");
    const bool cut = run_and_cut({"run", path("short.json"), "--out", path("a"), "--progress", "none"}, n);
    if (!may_trace_) GTEST_SKIP() << "no process may be traced here";
    ASSERT_TRUE(cut) << n;
    beyond += std::filesystem::exists(folder_ / "a" / "run.db");
    if (!std::filesystem::exists(folder_ / "a")) continue;
    if (n % 2 == 0) {  // a batch job's way, which need not know how far the last try came
      const auto either = run({"run", path("short.json"), "--resume", "--out", path("a"), "--progress", "none"});
      EXPECT_EQ(either.status, 0) << n << either.err;
      EXPECT_TRUE(weights("a") == weights("whole")) << n;
      continue;
    }
    const auto resumed = run({"run", "--resume", "--out", path("a"), "--progress", "none"});
    if (resumed.status != 0) {
      EXPECT_FALSE(born) << "a run that was born is not lost again: " << n;
      EXPECT_EQ(resumed.status, 2) << n << resumed.err;
      EXPECT_NE(resumed.err.find("posttrain run RECIPE --out"), std::string::npos) << n << resumed.err;
      const auto fresh = run({"run", path("short.json"), "--out", path("a"), "--progress", "none"});
      EXPECT_EQ(fresh.status, 0) << n << fresh.err;
      ++unborn;
    } else {
      born = true;  // or its recipe was there already, by which it was begun anew
    }
    EXPECT_TRUE(weights("a") == weights("whole")) << n;
  }
  EXPECT_GT(unborn, 2) << "the calls before the birth were met";
  EXPECT_TRUE(born);
}

TEST_F(Cut, AtEveryStepOfTakingBackStagesARunCanBeResumed) {
  write("short.json", short_recipe());
  write("other.json", short_recipe(3));
  for (const char* name : {"short", "other"})
    ASSERT_EQ(run({"run", path(std::string(name) + ".json"), "--out", path(name), "--progress", "none"}).status, 0);
  const auto begun = [&] {  // the second stage has left something new
    return std::filesystem::exists(folder_ / "a/checkpoints/more/state.ckpt");
  };
  int restarted = 0;
  for (int n = 1; n < 200; ++n) {
    std::filesystem::remove_all(folder_ / "a");
    std::filesystem::copy(folder_ / "short", folder_ / "a", std::filesystem::copy_options::recursive);
    const bool cut =
        run_and_cut({"run", path("other.json"), "--from", "more", "--out", path("a"), "--progress", "none"}, n);
    if (!may_trace_) GTEST_SKIP() << "no process may be traced here";
    if (!cut) break;
    const bool enough = begun();
    const auto resumed = run({"run", "--resume", "--out", path("a"), "--progress", "none"});
    EXPECT_EQ(resumed.status, 0) << n << resumed.err;
    const bool old = weights("a") == weights("short"), now = weights("a") == weights("other");
    EXPECT_TRUE(old || now) << "cut at call " << n;
    EXPECT_TRUE(now || restarted == 0) << "what was taken back does not come again: " << n;
    restarted += now;
    if (enough) break;
  }
  EXPECT_GT(restarted, 3);
}

}  // namespace
}  // namespace posttrain::e2e
