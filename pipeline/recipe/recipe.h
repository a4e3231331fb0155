// The recipe: everything that decides what a run computes. Read by the rules of compose.h, checked as a whole, and
// printed resolved (every value, defaults included) so that reading that back gives the identical recipe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/node.h"
#include "base/params.h"
#include "pipeline/stage_table.h"
#include "rewards/registry.h"
#include "tasks/task_table.h"
#include "text/renderer.h"

namespace posttrain::pipeline {

struct ArchSpec {
  std::string family = "llama";
  int64_t hidden = 0, layers = 0, heads = 0;
  int64_t kv_heads = 0, head_dim = 0;  // 0 in the file; resolved to heads and hidden / heads
  int64_t mlp = 0;
  int64_t max_positions = 2048;
  double rope_theta = 10000, norm_eps = 1e-6;
  bool tied = false;
  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

struct InitSpec {
  double gain = 0.7, head = 0.5, embedding = 0.3;
  void visit(Visitor& v);
};

// A model directory, or a shape with random weights.
struct ModelSpec {
  std::string path;
  std::optional<ArchSpec> arch;
  std::string dtype = "f32";
  InitSpec init;
  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// A tokenizer.json, or one token a character.
struct TokenizerSpec {
  std::string path;
  std::string chars;
  std::vector<std::string> special;
  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

struct TaskSpec {
  Tagged settings{tasks::task_cases()};
  void visit(Visitor& v);
};

struct StoreSpec {
  std::optional<int64_t> samples_per_step;
  void visit(Visitor& v);
};

struct StageSpec {
  std::string name;
  std::string from;                // "" in the file; resolved to the last stage before that trains, else "init"
  std::optional<ModelSpec> model;  // what "init" means for this stage, where it is not the recipe's model
  Tagged settings{stage_cases()};
  const std::string& type() const { return settings.type(); }
  void visit(Visitor& v);
};

struct Recipe {
  std::string name, description;
  int64_t seed = 1;
  int64_t threads = 0;
  ModelSpec model;
  TokenizerSpec tokenizer;
  ChatSettings chat;
  TaskSpec task;
  std::vector<rewards::RewardSpec> rewards;
  std::vector<StageSpec> stages;
  StoreSpec store;
  void visit(Visitor& v);
  void check(const Complain& complain) const;

  // Null when there is no stage of that name.
  const StageSpec* stage(std::string_view stage_name) const;
  // The model from which the line of stages that ends in `stage` began.
  const ModelSpec& origin(const StageSpec& stage) const;
};

struct LoadedRecipe {
  Recipe recipe;
  Node source;  // the composed text: where each value was written
};

// Throws Problems with everything that is wrong, or Error when the file can't be read.
LoadedRecipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets = {});
// A resolved recipe, as a run keeps it.
Recipe recipe_from_json(const Json& json, const std::string& source);
Json to_json(const Recipe& recipe);

// Names of rewards that models give in any of its stages.
std::set<std::string> model_reward_names(const Recipe& recipe);

// The vocabulary that a run makes for itself: the recipe's characters, or the task's own where neither the recipe nor
// the model has a tokenizer; nothing where one is read.
std::optional<CharVocabulary> new_vocabulary(const Recipe& recipe);

// Files and folders that the recipe reads from are there; throws Problems else.
void check_inputs(const Recipe& recipe);

// JSON Schema of a recipe file, with "$schema", "extends" and "vars".
Json recipe_schema();
// Every key, for help: paths such as "stages.grpo.clip_low".
std::vector<FieldInfo> recipe_fields();

}  // namespace posttrain::pipeline
