#include "pipeline/recipe/memory_check.h"

#include "folder.h"
#include "pipeline/recipe/compose.h"
#include "pipeline/recipe/recipe.h"

namespace posttrain::pipeline {
namespace {

class MemoryCheckTest : public FolderTest {
 protected:
  // What the plan of a stage that trains the model under `path` says.
  std::string plan(const std::string& stage, const std::string& training) {
    const auto file = write(
        "r.json",
        R"({"model": {"arch": {"hidden": 48, "layers": 3, "heads": 4, "mlp": 128}}, "task": {"type": "chain"}, "stages": [)" +
            stage + R"(, "training": )" + training + "}]}");
    const Recipe recipe = load_recipe(file).recipe;
    const auto verdict = memory_verdict(recipe, recipe.stages.back(), Planner(recipe));
    return verdict ? memory_text(*verdict) : "";
  }
};

TEST_F(MemoryCheckTest, EveryStageThatTrainsCountsItsOwnOptimizer) {
  for (const std::string stage : {
           R"({"name": "s", "type": "sft", "data": [{"source": "corpus", "documents": 9}], "steps": 1)",
           R"({"name": "s", "type": "grpo", "steps": 1)",
           R"({"name": "s", "type": "dpo", "pairs": {"path": "pairs.jsonl"})",
           R"({"name": "s", "type": "reward_model", "pairs": {"path": "pairs.jsonl"})",
           R"({"name": "s", "type": "distill", "teacher_path": "t", "steps": 1)",
       }) {
    const std::string whole = plan(stage, "{}"), small = plan(stage, R"({"optimizer_state": "8bit"})");
    EXPECT_NE(whole.find("optimizer"), std::string::npos) << stage;
    EXPECT_NE(whole, small) << stage;
    EXPECT_NE(whole, plan(stage, R"({"recompute": true})")) << stage;
  }
}

TEST_F(MemoryCheckTest, WhatIsTooLargeNamesItsLargestPartAndWhatWouldFit) {
  const auto meminfo = write("meminfo", "MemTotal: 24000000 kB\nMemAvailable: 23000000 kB\n");
  ASSERT_EQ(setenv("POSTTRAIN_MEMINFO", meminfo.c_str(), 1), 0);
  const auto arch = [](int64_t hidden, int layers, int heads, int64_t mlp) {
    return model::llama_arch(152064, hidden, layers, heads, heads / 4, mlp, false);
  };
  const model::TrainingSizes sizes = {.rows = 4096, .others = 1, .stored = DType::bf16};
  const auto seven = model::plan_training(arch(3584, 28, 28, 18944), sizes);
  EXPECT_GT(seven.total(), int64_t{120} << 30);
  EXPECT_EQ(std::string(seven.largest().first), "weights");
  EXPECT_EQ(model::what_would_fit(arch(3584, 28, 28, 18944), sizes, int64_t{24} << 30), "");
  const std::string half = model::what_would_fit(arch(896, 24, 16, 4864), sizes, int64_t{11} << 30);
  EXPECT_NE(half.find("training."), std::string::npos) << half;
  const auto file = write("r.json", R"({"model": {"arch": {"hidden": 4096, "layers": 64, "heads": 32, "mlp": 16384}},
      "task": {"type": "chain"}, "stages": [{"name": "s", "type": "grpo", "steps": 1}]})");
  const Recipe recipe = load_recipe(file).recipe;
  const auto verdict = memory_verdict(recipe, recipe.stages.back(), Planner(recipe));
  unsetenv("POSTTRAIN_MEMINFO");
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->starts);
  const std::string text = memory_text(*verdict);
  for (const char* said : {"will not start here: needs ", "largest: ", "what would fit: "})
    EXPECT_NE(text.find(said), std::string::npos) << text;
}

}  // namespace
}  // namespace posttrain::pipeline
