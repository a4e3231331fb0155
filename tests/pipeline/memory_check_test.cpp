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
    return memory_text(recipe, recipe.stages.back());
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

}  // namespace
}  // namespace posttrain::pipeline
