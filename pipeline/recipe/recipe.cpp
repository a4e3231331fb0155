#include "pipeline/recipe/recipe.h"

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "pipeline/recipe/compose.h"
#include "rewards/part_names.h"
#include "rewards/plugin.h"

namespace posttrain::pipeline {
namespace {

// Values that follow from others are filled in, so that the resolved recipe says them.
void resolve(ModelSpec& model) {
  if (auto& arch = model.arch) {
    if (arch->kv_heads == 0) arch->kv_heads = arch->heads;
    if (arch->head_dim == 0) arch->head_dim = arch->hidden / arch->heads;
  }
}

// Every part of a stage's reward has a name of its own: they are keys of its metrics.
void name_rewards(Recipe& recipe) {
  std::set<std::string> by_hand, taken;
  for (StageSpec& stage : recipe.stages) {
    for (const auto& part : model_reward_names(stage.settings)) by_hand.insert(*part.name);
  }
  std::vector<rewards::PartName> rules;
  for (rewards::RewardSpec& spec : recipe.rewards) rules.push_back({&spec.name, spec.reward.type()});
  rewards::fill_names(rules, by_hand);
  for (const rewards::RewardSpec& spec : recipe.rewards) taken.insert(spec.name);
  for (StageSpec& stage : recipe.stages) rewards::fill_names(model_reward_names(stage.settings), taken);
}

void resolve(Recipe& recipe) {
  resolve(recipe.model);
  name_rewards(recipe);
  std::string newest = "init";
  for (StageSpec& stage : recipe.stages) {
    if (stage.from.empty()) stage.from = stage.model ? "init" : newest;
    if (stage.model) resolve(*stage.model);
    if (stage_continues(stage.type())) newest = stage.name;
  }
}

// A plug-in runs in the folder of the file that names its command, unless it says another.
void place_plugins(Recipe& recipe, const Node& source) {
  for (size_t i = 0; i < recipe.rewards.size(); ++i) {
    auto* plugin = recipe.rewards[i].reward.get<rewards::PluginReward::Settings>();
    const Node* at = find_path(source, "rewards[" + std::to_string(i) + "].command");
    if (plugin == nullptr || !plugin->folder.empty() || at == nullptr || !at->place.source) continue;
    plugin->folder =
        std::filesystem::absolute(std::filesystem::path(at->place.source->folder) / ".").lexically_normal().string();
  }
}

bool is_name(const std::string& text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
}

// A name given by hand is one word of the metrics, and nobody else's.
void check_name(const std::string& field, const std::string& name, std::set<std::string>& taken,
                const Complain& complain) {
  if (name.empty()) return;
  if (!is_name(name)) complain(field, "expected a-z, 0-9, - and _ only, got \"" + name + "\"");
  if (!taken.insert(name).second) complain(field, "expected a name of its own, got \"" + name + "\" again");
}

}  // namespace

void ArchSpec::visit(Visitor& v) {
  v("family", family, {.doc = "Kind of transformer", .choices = {"llama"}});
  v("hidden", hidden, {.doc = "Width of the residual stream", .min = 1, .max = 1 << 20, .required = true});
  v("layers", layers, {.doc = "Blocks", .min = 1, .max = 1000, .required = true});
  v("heads", heads, {.doc = "Query heads", .min = 1, .max = 1024, .required = true});
  v("kv_heads", kv_heads, {.doc = "Key and value heads; 0 = as many as heads", .min = 0, .max = 1024});
  v("head_dim", head_dim, {.doc = "Width of one head, even; 0 = hidden / heads", .min = 0, .max = 1024});
  v("mlp", mlp, {.doc = "Width of the MLP", .min = 1, .max = 1 << 20, .required = true});
  v("max_positions", max_positions, {.doc = "Longest context", .min = 1, .unit = "tokens"});
  v("rope_theta", rope_theta, {.doc = "Base of the rotary frequencies", .min = 1});
  v("norm_eps", norm_eps, {.doc = "Added to the mean square in RMSNorm", .min = 0, .max = 1});
  v("tied", tied, {.doc = "Whether the head shares the embedding's weights"});
}

void ArchSpec::check(const Complain& complain) const {
  if (heads < 1 || hidden < 1) return;  // told already
  if (head_dim == 0 && hidden % heads != 0) {
    complain("hidden", "expected a multiple of heads = " + std::to_string(heads) + ", or head_dim given");
  } else if ((head_dim == 0 ? hidden / heads : head_dim) % 2 != 0) {
    complain(head_dim == 0 ? "hidden" : "head_dim", "expected an even head_dim; rotary positions turn pairs");
  }
  if (kv_heads > 0 && heads % kv_heads != 0) {
    complain("kv_heads", "expected a divisor of heads = " + std::to_string(heads));
  }
}

void InitSpec::visit(Visitor& v) {
  v("gain", gain, {.doc = "Matrices are drawn from N(0, gain / sqrt(fan in))", .min = 0, .max = 100});
  v("head", head, {.doc = "Factor of the head's weights", .min = 0, .max = 100});
  v("embedding", embedding, {.doc = "Standard deviation of the embeddings", .min = 0, .max = 100});
}

void ModelSpec::visit(Visitor& v) {
  v("path", path, {.doc = "A Hugging Face model directory or a GGUF file to start from", .path = true});
  v("arch", arch, {.doc = "Or the shape of a new model with random weights"});
  v("dtype", dtype, {.doc = "How weights are kept on disk and read by the kernels", .choices = {"f32", "bf16"}});
  v("init", init, {.doc = "How random weights are drawn"});
}

void ModelSpec::check(const Complain& complain) const {
  if (path.empty() == !arch) complain("", "expected exactly one of path and arch");
}

void TokenizerSpec::visit(Visitor& v) {
  v("path", path, {.doc = "A tokenizer.json, or the directory that holds it; \"\" = the model's", .path = true});
  v("chars", chars, {.doc = "Or one token for each of these characters"});
  v("special", special, {.doc = "With chars: further tokens that are never split, e.g. <think>"});
}

void TokenizerSpec::check(const Complain& complain) const {
  if (!path.empty() && !chars.empty()) complain("chars", "expected either path or chars");
  if (chars.empty() && !special.empty()) complain("special", "expected only beside chars");
  if (chars.empty()) return;
  try {
    (void)char_tokenizer_json(chars_vocabulary(chars, special));
  } catch (const Error& error) {
    complain("chars", std::string("expected each character and token once: ") + error.what());
  }
}

void TaskSpec::visit(Visitor& v) {
  v.tagged("type", settings, {.doc = "Which task", .required = true});
}

void StoreSpec::visit(Visitor& v) {
  v("samples_per_step", samples_per_step,
    {.doc = "How many samples of a step are kept with their text in run.db; null = all, 0 = none", .min = 0});
}

void StageSpec::visit(Visitor& v) {
  v("name", name, {.doc = "Unique name: a-z, 0-9, - and _", .required = true});
  v("from", from,
    {.doc = "Whose weights it starts from: an earlier stage that trains, or init; \"\" = the last one before"});
  v("model", model, {.doc = "Another model than the recipe's, for a stage that starts from init: a student, say"});
  v.tagged("type", settings, {.doc = "What the stage does", .required = true});
}

void Recipe::visit(Visitor& v) {
  v("name", name, {.doc = "Name of the run in the store and the report"});
  v("description", description, {.doc = "What it is for, in a sentence"});
  v("seed", seed, {.doc = "Of every random number of the run", .min = 0, .max = 9007199254740992});
  v("threads", threads, {.doc = "Results do not depend on it; 0 = every core", .min = 0, .max = 1024});
  v("model", model, {.doc = "The model that the first stage starts from", .required = true});
  v("tokenizer", tokenizer, {.doc = "How text becomes tokens"});
  v("chat", chat, {.doc = "How conversations become text"});
  v("task", task, {.doc = "Where prompts and answers come from"});
  v("rewards", rewards, {.doc = "What a completion is judged by: the weighted sum of these"});
  v("stages", stages, {.doc = "The pipeline, in order", .required = true});
  v("store", store, {.doc = "What the run keeps"});
}

void Recipe::check(const Complain& complain) const {
  if (!stages.empty() && task.settings.type().empty())
    complain("task", "missing: the stages need prompts from somewhere");
  if (!tokenizer.chars.empty() && !model.path.empty())
    complain("tokenizer.chars", "expected only with model.arch: a model's weights belong to its own tokenizer");
  std::set<std::string> names_taken, earlier, rewards_taken;
  for (size_t i = 0; i < rewards.size(); ++i)
    check_name("rewards[" + std::to_string(i) + "].name", rewards[i].name, rewards_taken, complain);
  for (size_t i = 0; i < stages.size(); ++i) {
    const auto& [stage_name, from, model_spec, settings] = stages[i];
    const std::string at = "stages[" + std::to_string(i) + "]";
    if (!stage_name.empty() && !is_name(stage_name)) {
      complain(at + ".name", "expected a-z, 0-9, - and _ only, got \"" + stage_name + "\"");
    }
    if (!from.empty() && from != "init" && !earlier.contains(from)) {
      std::vector<std::string> names(earlier.begin(), earlier.end());
      names.emplace_back("init");
      complain(at + ".from",
               "expected init or an earlier stage that trains, got \"" + from + "\"" + suggestion(from, names));
    }
    if (model_spec && !from.empty() && from != "init")
      complain(at + ".model", "expected only in a stage that starts from init");
    if (stage_name == "init" || !names_taken.insert(stage_name).second) {
      complain(at + ".name", "expected a name of its own, got \"" + stage_name + "\" again");
    }
    auto taken = rewards_taken;
    const auto by_models = model_reward_names(settings);
    for (size_t j = 0; j < by_models.size(); ++j)
      check_name(at + ".model_rewards[" + std::to_string(j) + "].name", *by_models[j].name, taken, complain);
    for (const auto& [field, named, need] : references(settings)) {
      const StageSpec* other = stage(named);
      const bool before = other != nullptr && names_taken.contains(named) && named != stage_name;
      if (!before || !hands_on(other->settings, need))
        complain(at + "." + field, "expected an earlier stage that leaves " + need + ", got \"" + named + "\"");
    }
    if (stage_trains(settings.type())) earlier.insert(stage_name);
  }
}

const StageSpec* Recipe::stage(std::string_view stage_name) const {
  const auto it = std::ranges::find(stages, stage_name, &StageSpec::name);
  return it == stages.end() ? nullptr : &*it;
}

const ModelSpec& Recipe::origin(const StageSpec& stage) const {
  const StageSpec* first = &stage;
  while (first->from != "init") first = this->stage(first->from);
  return first->model ? *first->model : model;
}

std::optional<CharVocabulary> new_vocabulary(const Recipe& recipe) {
  const TokenizerSpec& spec = recipe.tokenizer;
  if (!spec.chars.empty()) return chars_vocabulary(spec.chars, spec.special);
  if (!spec.path.empty() || !recipe.model.path.empty()) return std::nullopt;
  return tasks::task_vocabulary(recipe.task.settings);
}

LoadedRecipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  std::vector<Problem> problems;
  LoadedRecipe loaded;
  const auto found = find_recipe(file);
  loaded.source = compose_recipe(found, sets, problems);
  loaded.recipe.name = found.stem().string();
  read_params(loaded.source, slot(loaded.recipe), "", problems);
  if (!problems.empty()) throw Problems(std::move(problems));
  resolve(loaded.recipe);
  place_plugins(loaded.recipe, loaded.source);
  return loaded;
}

Recipe recipe_from_json(const Json& json, const std::string& source) {
  auto recipe = params_from<Recipe>(json, source);
  resolve(recipe);
  return recipe;
}

Json to_json(const Recipe& recipe) {
  return params_to_json(recipe);
}

std::set<std::string> model_reward_names(const Recipe& recipe) {
  std::set<std::string> names;
  for (const StageSpec& stage : recipe.stages) {
    for (const auto& part : model_reward_names(stage.settings)) names.insert(*part.name);
  }
  return names;
}

void check_inputs(const Recipe& recipe) {
  std::vector<Problem> problems;
  for (const auto& [path, file] : paths_in(slot(const_cast<Recipe&>(recipe)))) {
    if (!std::filesystem::exists(file)) {
      problems.push_back({{}, path, "no such file or folder: " + file});
    }
  }
  if (!problems.empty()) throw Problems(std::move(problems));
}

Json recipe_schema() {
  Recipe recipe;
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "A recipe of posttrain"}};
  const Json body = schema_of(slot(recipe));
  for (const auto& [key, value] : body.items()) schema[key] = value;
  Json properties = {
      {"$schema", {{"type", "string"}}},
      {"extends",
       {{"description",
         "Recipes that this one changes, from left to right: objects merge, null removes, all else replaces"},
        {"anyOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}}}}},
      {"vars", {{"description", "Values that texts name as ${name}"}, {"type", "object"}}},
  };
  for (const auto& [key, value] : schema["properties"].items()) properties[key] = value;
  schema["properties"] = std::move(properties);
  return schema;
}

std::vector<FieldInfo> recipe_fields() {
  Recipe recipe;
  return describe_params(slot(recipe));
}

}  // namespace posttrain::pipeline
