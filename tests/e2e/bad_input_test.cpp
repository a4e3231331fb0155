// Bad input and a failing machine: one clear message, the right exit status, nothing half-written, nothing lost.
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class BadInput : public ProgramTest {
 protected:
  Result run_recipe(const std::string& text, std::vector<std::string> more = {},
                    const std::function<void()>& prepare = {}) {
    std::vector<std::string> arguments = {
        "run", write("r.json", text).string(), "--out", (folder_ / "out").string(), "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, -1, SIGKILL, prepare);
  }
  void expect_error(const Result& result, int status, std::initializer_list<const char*> parts) {
    EXPECT_EQ(result.status, status) << result.err;
    for (const char* part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << part << " is not in: " << result.err;
  }
};

TEST_F(BadInput, AnUnknownKeyIsToldWithItsLineAndTheNearestName) {
  auto text = tiny_recipe();
  text.replace(text.find("\"documents\""), 11, "\"documentz\"");
  expect_error(run_recipe(text), 2, {"r.json:7", "documentz", "documents"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out")) << "nothing is made for a recipe that can't run";
}

TEST_F(BadInput, WrongTypeAndOutOfRangeAreToldTogether) {
  const auto result =
      run_recipe(tiny_recipe(), {"--set", "stages.base.steps=\"many\"", "--set", "stages.zero.sampling.top_p=3"});
  expect_error(result, 2, {"stages[0].steps", "many", "top_p", "at most 1"});
}

TEST_F(BadInput, AMissingFileIsNamed) {
  expect_error(run({"run", (folder_ / "none.json").string()}), 2, {"none.json"});
  auto text = tiny_recipe();
  text.insert(text.find("\"task\""), "\"tokenizer\": {\"path\": \"nowhere/tokenizer.json\"}, ");
  expect_error(run_recipe(text), 2, {"nowhere/tokenizer.json"});
}

TEST_F(BadInput, AStageThatStartsFromNothingKnownIsRefused) {
  expect_error(run_recipe(tiny_recipe(), {"--set", "stages.zero.from=bass"}), 2, {"bass", "base"});
}

TEST_F(BadInput, AFolderInUseIsNotOverwritten) {
  std::filesystem::create_directories(folder_ / "out");
  std::ofstream(folder_ / "out" / "precious.txt") << "mine";
  expect_error(run_recipe(tiny_recipe()), 2, {"out", "--resume"});
  EXPECT_EQ(read_file(folder_ / "out" / "precious.txt"), "mine");
}

TEST_F(BadInput, AnUnwritableFolderIsAFailureThatNamesIt) {
  const auto result = run({"run", write("r.json", tiny_recipe()).string(), "--out", "/proc/posttrain-cannot-be-here"});
  expect_error(result, 1, {"/proc/posttrain-cannot-be-here"});
}

TEST_F(BadInput, ABatchThatCantFitInMemoryIsRefusedBeforeTheStart) {
  const auto result = run_recipe(tiny_recipe(), {"--set", "stages.base.rows_per_step=100000000", "--set",
                                                 "stages.base.micro_batch_tokens=100000000000"});
  expect_error(result, 2, {"stages.base", "micro_batch_tokens", "activations"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(BadInput, AFullDiskStopsTheRunAndLosesNoFinishedStep) {
  const auto limit = [] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit size{150'000, 150'000};
    setrlimit(RLIMIT_FSIZE, &size);
  };
  const auto result = run_recipe(tiny_recipe(), {}, limit);
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_FALSE(result.err.empty());
  const auto resumed = run({"run", "--resume", "--out", (folder_ / "out").string(), "--progress", "none"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
}

TEST_F(BadInput, ALossThatIsNotFiniteKeepsTheBatchForReplay) {
  const auto result =
      run_recipe(tiny_recipe(), {"--set", "stages.zero.training.lr=10", "--set", "stages.zero.training.max_grad_norm=0",
                                 "--set", "stages.zero.objective.beta=1e300", "--set", "stages.zero.minibatches=4",
                                 "--set", "stages.zero.epochs=4"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / "failed-batch-zero.json")) << result.err;
}

TEST_F(BadInput, ATornCheckpointIsRefusedWithItsName) {
  auto result = run({"run", write("r.json", tiny_recipe()).string(), "--out", (folder_ / "out").string(), "--progress",
                     "none", "--set", "stages.base.steps=100000"},
                    1.5, SIGINT);
  ASSERT_EQ(result.status, 130) << result.err;
  const auto file = folder_ / "out" / "checkpoints" / "base" / "state.ckpt";
  ASSERT_TRUE(std::filesystem::exists(file));
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  std::filesystem::remove(file.parent_path() / "state.before.ckpt");
  expect_error(run({"run", "--resume", "--out", (folder_ / "out").string(), "--progress", "none"}), 2,
               {"state.ckpt", "--from base"});
}

}  // namespace
}  // namespace posttrain::e2e
