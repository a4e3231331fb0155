// What a run does when its terminal goes, a batch system warns, or nobody reads its output.
#include "store/store.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class Signals : public ProgramTest {
 protected:
  // Far longer than the test waits.
  std::vector<std::string> endless() const {
    std::string recipe = tiny_recipe();
    const auto at = recipe.find("\"steps\": 80");
    recipe.replace(at, 11, "\"steps\": 1000000")
        .replace(recipe.find("\"save_every_steps\": 7"), 21, "\"save_every_steps\": 0");
    write("tiny.json", recipe);
    return {"run", (folder_ / "tiny.json").string(), "--out", (folder_ / "out").string(), "--progress", "plain"};
  }

  // Starts the program with its output in files, or in a pipe that nobody reads.
  pid_t start(const std::vector<std::string>& arguments, bool lost_pipe = false, bool nohup = false) const {
    const pid_t child = fork();
    if (child != 0) return child;
    if (nohup) signal(SIGHUP, SIG_IGN);
    if (lost_pipe) {
      int ends[2];
      if (pipe(ends) != 0) _exit(126);
      dup2(ends[1], 1);
      dup2(ends[1], 2);
      close(ends[0]);
      close(ends[1]);
    } else if (freopen((folder_ / "out.txt").c_str(), "w", stdout) == nullptr ||
               freopen((folder_ / "err.txt").c_str(), "w", stderr) == nullptr) {
      _exit(126);
    }
    std::vector<char*> argv = {const_cast<char*>(POSTTRAIN_PROGRAM)};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(POSTTRAIN_PROGRAM, argv.data());
    _exit(127);
  }

  // Until the run has trained beyond `step`.
  void wait_for_step(int64_t step) const {
    for (int tries = 0; tries < 6000; ++tries) {
      usleep(20'000);
      if (std::filesystem::exists(folder_ / "out/metrics.jsonl") &&
          std::filesystem::file_size(folder_ / "out/metrics.jsonl") > 0 && last_step() > step)
        return;
    }
    FAIL() << "no step within two minutes";
  }
  int64_t last_step() const {
    return store::Store(folder_ / "out/run.db", store::Mode::read_only).last_step(0).value_or(0);
  }
  static int end_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

TEST_F(Signals, HangUpAndTheWarningOfABatchSystemSaveAsTermDoes) {
  const auto arguments = endless();
  for (const int number : {SIGTERM, SIGHUP, SIGUSR1}) {
    std::filesystem::remove_all(folder_ / "out");
    const pid_t child = start(arguments);
    wait_for_step(0);
    kill(child, number);
    if (number == SIGHUP) kill(child, number);  // shells pass it on beside the kernel: that is no second wish
    EXPECT_EQ(end_of(child), 130) << strsignal(number);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "out/checkpoints/base/state.ckpt")) << strsignal(number);
    const store::Store run(folder_ / "out/run.db", store::Mode::read_only);
    EXPECT_EQ(run.run()->status, "stopped") << strsignal(number);
  }
}

TEST_F(Signals, NohupKeepsItsWord) {
  const pid_t child = start(endless(), false, true);
  wait_for_step(0);
  kill(child, SIGHUP);
  wait_for_step(last_step() + 2);
  kill(child, SIGTERM);
  EXPECT_EQ(end_of(child), 130);
}

TEST_F(Signals, ARunGoesOnWhenNobodyReadsItsOutput) {
  write("tiny.json", tiny_recipe());
  const pid_t child = start(
      {"run", (folder_ / "tiny.json").string(), "--out", (folder_ / "out").string(), "--progress", "plain"}, true);
  EXPECT_EQ(end_of(child), 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/report.html"));
}

TEST_F(Signals, ARunThatWasKilledIsSaidToBeInterruptedAndALivingOneToRun) {
  const pid_t child = start(endless());
  wait_for_step(0);
  const auto said = [&] { return run({"report", (folder_ / "out").string()}).out; };
  EXPECT_NE(said().find("Not finished"), std::string::npos) << said();
  kill(child, SIGKILL);
  EXPECT_EQ(end_of(child), 128 + SIGKILL);
  EXPECT_NE(said().find("Interrupted in stage base"), std::string::npos) << said();
  const auto inspected = run({"inspect", (folder_ / "out").string()});
  EXPECT_EQ(inspected.status, 0) << inspected.err;
  EXPECT_NE(inspected.out.find("\"status\": \"interrupted\""), std::string::npos) << inspected.out;
}

}  // namespace
}  // namespace posttrain::e2e
