// Plans against what runs then do, for every recipe of small models, cut down to seconds.
#include "pipeline/recipe/plan.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "base/error.h"
#include "folder.h"
#include "pipeline/recipe/compose.h"
#include "pipeline/run.h"

namespace posttrain::pipeline {
namespace {

const std::map<std::string, int64_t> kMost = {
    {"steps", 3},    {"documents", 60},  {"prompts", 4},          {"samples_per_prompt", 4}, {"prompts_per_step", 4},
    {"samples", 2},  {"problems", 8},    {"rows_per_step", 4},    {"pairs_per_step", 4},     {"max_new_tokens", 24},
    {"attempts", 4}, {"every_steps", 0}, {"save_every_steps", 0}, {"warmup_steps", 1},       {"second_attempts", 1}};

void shrink(Json& json) {
  for (auto& [key, value] : json.items()) {
    const auto most = kMost.find(key);
    if (value.is_structured()) {
      shrink(value);
      if (key == "arch") value.update({{"hidden", 16}, {"layers", 1}, {"heads", 2}, {"kv_heads", 2}, {"head_dim", 8}});
    } else if (most != kMost.end() && value.is_number_integer() && value > most->second) {
      value = most->second;
    }
  }
}

// What a stage's records add up to.
struct Done {
  int64_t steps = 0;
  double tokens = 0, sampled = 0;  // of the steps; of steps and evaluations
};

class PlanTest : public FolderTest {
 protected:
  std::map<std::string, Done> run(const Recipe& recipe) {
    const std::atomic<bool> stop{false};
    const auto progress = make_progress({.kind = ProgressKind::none});
    const auto out = folder_ / "run";
    try {
      start_run(recipe, out, *progress, stop);
    } catch (const Failure&) {
      // a model that knows nothing may leave no answer for a later stage: what was done until then is compared
    }
    std::map<std::string, Done> done;
    read_json_lines(out / "metrics.jsonl", [&](Json&& line, const std::string&) {
      const std::string name = line.at("stage");
      const Json spec = params_to_json(*recipe.stage(name));
      Done& stage = done[name];
      const std::string length = "eval_" + recipe.task.settings.type() + "/mean_length";
      if (line.contains(length)) {
        stage.sampled += line[length].get<double>() * spec.value("problems", 0.0) * spec.value("samples", 0.0);
        return;
      }
      if (!line.contains("num_tokens")) return;
      ++stage.steps;
      stage.tokens += line["num_tokens"].get<double>();
      stage.sampled += line.value("completions/mean_length", 0.0) * spec.value("prompts_per_step", 0.0) *
                       spec.value("samples_per_prompt", 0.0);
    });
    return done;
  }
};

TEST_F(PlanTest, HoldsWhatTheRunsThenDo) {
  int compared = 0;
  const auto backend = nn::make_cpu_backend();
  for (const std::string name :
       {"r1-zero", "r1-tiny", "dpo-tiny", "distill-tiny", "deepseekmath-tiny", "prover-tiny"}) {
    Json json = to_json(load_recipe(shipped_recipes() / (name + ".json")).recipe);
    shrink(json);
    const Recipe recipe = recipe_from_json(json, name);
    const auto plan = plan_run(recipe, *backend);
    const auto done = run(recipe);
    std::filesystem::remove_all(folder_ / "run");
    for (const StagePlan& stage : plan) {
      const auto found = done.find(stage.name);
      if (found == done.end()) continue;
      SCOPED_TRACE(name + " " + stage.name);
      const auto& [steps, tokens, sampled] = found->second;
      ++compared;
      if (stage.type == "sft" && stage.exact) {
        EXPECT_EQ(steps, stage.steps);
        EXPECT_NEAR(tokens, stage.trained.expected, 0.05 * tokens);
      }
      if (stage.type == "grpo") {
        EXPECT_EQ(steps, stage.steps);
        EXPECT_NEAR(tokens - sampled, stage.prompts, 0.05 * stage.prompts + 1);
      }
      if (stage.type == "grpo" || stage.type == "eval") {
        EXPECT_GE(sampled, stage.sampled.low);
        EXPECT_LE(sampled, stage.sampled.high);
      }
      EXPECT_GT(stage.seconds.high, stage.seconds.low);
    }
  }
  EXPECT_GE(compared, 20);
}

// A range of examples in files: conversations, pairs and what a stage leaves.
TEST_F(PlanTest, CountsConversationsAsTheyAreRendered) {
  const auto file =
      write("chat.jsonl", R"({"messages": [{"role": "user", "content": "say 1"}, {"role": "assistant", "content": "1"}]}
{"messages": [{"role": "user", "content": "say 2"}, {"role": "assistant", "content": "2"}]}
)");
  write("plain.jinja", "{% for m in messages %}{{ m.content }}\n{% endfor %}");
  const auto recipe = load_recipe(write("r.json", R"({
    "model": {"arch": {"hidden": 16, "layers": 1, "heads": 2, "mlp": 32, "max_positions": 64}},
    "tokenizer": {"chars": "say 12\n"}, "chat": {"template": "plain.jinja"},
    "task": {"type": "jsonl", "train": "chat.jsonl"}, "rewards": [{"type": "exact"}],
    "stages": [{"name": "s", "type": "sft", "data": [{"source": "corpus", "documents": 2}],
                "epochs": 40, "rows_per_step": 2, "row_tokens": 12}]})"))
                          .recipe;
  const auto plan = plan_run(recipe, *nn::make_cpu_backend());
  EXPECT_EQ(plan[0].steps, 40);
  EXPECT_TRUE(plan[0].exact);
  const auto done = run(recipe);
  EXPECT_EQ(done.at("s").steps, 40);
  EXPECT_NEAR(done.at("s").tokens, plan[0].trained.expected, 0.05 * plan[0].trained.expected);
}

}  // namespace
}  // namespace posttrain::pipeline
