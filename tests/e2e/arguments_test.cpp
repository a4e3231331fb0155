// An argument that is accepted is used; one that can't be is refused.
#include "store/store.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

class GivenArguments : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void finished_run() const {
    write("tiny.json", R"({
      "model": {"arch": {"hidden": 8, "layers": 1, "heads": 2, "mlp": 16, "max_positions": 96}},
      "task": {"type": "chain", "min_steps": 2, "max_steps": 2},
      "stages": [{"name": "base", "type": "sft", "data": [{"documents": 20}], "steps": 3, "rows_per_step": 2},
                 {"name": "more", "type": "sft", "data": [{"documents": 20}], "steps": 3, "rows_per_step": 2}]})");
    const auto whole = run({"run", path("tiny.json"), "--out", path("out"), "--progress", "none"});
    ASSERT_EQ(whole.status, 0) << whole.err;
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& words) const {
    const auto result = run(arguments);
    EXPECT_EQ(result.status, 2) << words << result.out;
    EXPECT_NE((result.err + result.out).find(words), std::string::npos) << result.err;
  }
};

TEST_F(GivenArguments, FromWithSetChangesTheRunsOwnRecipe) {
  finished_run();
  expect_refused({"run", "--from", "more", "--out", path("out"), "--set", "stages.more.stepz=1"},
                 "did you mean \"steps\"");
  expect_refused({"run", "--from", "more", "--out", path("out"), "--set", "stages.base.steps=1"}, "stages[0].steps");
  const auto result =
      run({"run", "--from", "more", "--out", path("out"), "--set", "stages.more.steps=1", "--progress", "none"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(store::Store(folder_ / "out/run.db", store::Mode::read_only).last_step(1), 1);
  EXPECT_EQ(read_json(folder_ / "out/recipe.resolved.json")["stages"][1]["steps"], 1);
}

TEST_F(GivenArguments, ResumeTakesTheRunsRecipeAndNoOther) {
  finished_run();
  EXPECT_EQ(run({"run", path("tiny.json"), "--resume", "--out", path("out"), "--progress", "none"}).status, 0);
  expect_refused({"run", path("tiny.json"), "--set", "seed=5", "--resume", "--out", path("out")},
                 "--resume: seed: expected 1");
  expect_refused({"run", "--set", "seed=5", "--resume", "--out", path("out")}, "--set");
  expect_refused({"run", "--resume", "--from", "more", "--out", path("out")}, "either --resume or --from");
  expect_refused({"run", path("tiny.json"), "--dry-run", "--from", "more"}, "--dry-run");
  expect_refused({"run", path("tiny.json"), "--json", "--progress", "plain"}, "--progress");
}

TEST_F(GivenArguments, AFileIsNoFolderForARun) {
  finished_run();
  write("file", "text");
  expect_refused({"run", path("tiny.json"), "--out", path("file")}, "expected a folder, got a file");
  expect_refused({"run", path("tiny.json"), "--out", path("file/out")}, "expected a folder");
  expect_refused({"run", "--resume", "--out", path("file")}, "expected a folder with a run");
  EXPECT_EQ(read_file(folder_ / "file"), "text");
}

}  // namespace
}  // namespace posttrain::e2e
