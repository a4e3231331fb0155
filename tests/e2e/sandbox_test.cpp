// A run that needs boxes on a machine that lacks a wall: it does not start, and says which wall.
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class SandboxRefusal : public ProgramTest {
 protected:
  // The launcher stands in for one on a machine without Landlock and without the system call filter.
  Result run_code_recipe(const std::string& reward, const char* launcher) {
    std::string text = tiny_recipe();
    const std::string old = R"({"type": "exact"}, {"type": "format", "weight": 0.5})";
    text.replace(text.find(old), old.size(), reward);
    return run({"run", write("r.json", text).string(), "--out", (folder_ / "out").string(), "--progress", "none"}, -1,
               SIGKILL, [launcher] { setenv("POSTTRAIN_LAUNCHER", launcher, 1); });
  }
};

TEST_F(SandboxRefusal, ARunStopsBeforeItsFirstStageAndNamesTheWall) {
  for (const char* reward : {R"({"type": "code"})", R"({"type": "code", "sandbox": "require"})"}) {
    std::filesystem::remove_all(folder_ / "out");
    const Result result = run_code_recipe(reward, FAKE_LAUNCHER);
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_NE(result.err.find("the system call filter (seccomp), Landlock"), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "final"));
  }
}

TEST_F(SandboxRefusal, WithoutALauncherNoModeStarts) {
  const Result result = run_code_recipe(R"({"type": "code", "sandbox": "warn"})", "/nowhere/launcher");
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_NE(result.err.find("/nowhere/launcher"), std::string::npos) << result.err;
}

TEST_F(SandboxRefusal, AMeterThatTheMachineDoesNotLendIsRefused) {
  const Result result =
      run_code_recipe(R"({"type": "code", "cgroup": "/nowhere/group"})",
                      (std::filesystem::path(POSTTRAIN_PROGRAM).parent_path() / "posttrain-launcher").c_str());
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_NE(result.err.find("lends no control group"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace posttrain::e2e
