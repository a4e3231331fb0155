#include "pipeline/session.h"

#include <algorithm>

#include "base/error.h"
#include "base/folders.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "pipeline/data_check.h"
#include "pipeline/inputs.h"
#include "tasks/task_table.h"
#include "text/convert_tokenizer.h"

namespace posttrain::pipeline {

Session::Session(const Recipe& recipe, RunFolder folder, store::Store& store, Progress& progress,
                 const std::atomic<bool>& stop)
    : recipe_(recipe),
      folder_(std::move(folder)),
      store_(store),
      progress_(progress),
      stop_(stop),
      metrics_file_(folder_.metrics(), store),
      backend_(nn::make_cpu_backend()),
      task_(tasks::make_task(recipe.task.settings, hold_out_of(recipe))) {
  tokenizer_ = open_tokenizer(recipe, folder_.tokenizer());
  renderer_ = std::make_unique<Renderer>(*tokenizer_, recipe.chat, recipe.model.path);
  rewards_ = std::make_unique<rewards::RewardSet>(recipe.rewards, model_reward_names(recipe));
  rewards_->log_to(folder_.judges());
  scoring_ = std::make_unique<rewards::ScoringPool>(*rewards_, compute_threads());
}

Session::~Session() = default;

model::Arch arch_of(const ModelSpec& model_spec, int64_t vocab) {
  if (!model_spec.path.empty()) return model::read_arch(model_spec.path);
  const ArchSpec& spec = *model_spec.arch;
  model::Arch arch = model::llama_arch(vocab, spec.hidden, static_cast<int>(spec.layers), static_cast<int>(spec.heads),
                                       static_cast<int>(spec.kv_heads), spec.mlp, spec.tied);
  if (spec.head_dim != arch.head_dim) {
    throw Error("recipe", "model.arch.head_dim", std::to_string(arch.head_dim) + " (hidden / heads)",
                std::to_string(spec.head_dim));
  }
  arch.max_positions = static_cast<int>(spec.max_positions);
  arch.rope_theta = spec.rope_theta;
  arch.norm_eps = static_cast<float>(spec.norm_eps);
  return arch;
}

DType stored_type(const ModelSpec& spec) {
  return spec.dtype == "bf16" ? DType::bf16 : DType::f32;
}

std::unique_ptr<model::Transformer> Session::new_model(const ModelSpec& spec, nn::Use use) {
  model::Arch arch = arch_of(spec, tokenizer_->vocab_size());
  arch.bos = tokenizer_->bos_id().value_or(-1);
  arch.pad = tokenizer_->pad_id().value_or(-1);
  arch.eos = tokenizer_->stop_ids();
  auto model = std::make_unique<model::Transformer>(*backend_, arch, stored_type(spec), use);
  model->init_random(Rng({seed(), hash_name("init")}).at(0), {spec.init.gain, spec.init.head, spec.init.embedding});
  return model;
}

std::unique_ptr<model::Transformer> Session::load_model(const StageSpec& stage, nn::Use use) {
  const ModelSpec& origin = recipe_.origin(stage);
  if (stage.from != "init") return load_result(*recipe_.stage(stage.from), use);
  if (origin.path.empty()) return new_model(origin, use);
  return model::Transformer::load(*backend_, origin.path, stored_type(origin), use);
}

std::unique_ptr<model::Transformer> Session::load_result(const StageSpec& stage, nn::Use use) {
  return model::Transformer::load(*backend_, folder_.model_of(stage.name), stored_type(recipe_.origin(stage)), use);
}

std::unique_ptr<model::Transformer> Session::load_best(const StageSpec& stage, nn::Use use) {
  return model::Transformer::load(*backend_, folder_.best_of(stage.name), stored_type(recipe_.origin(stage)), use);
}

std::unique_ptr<model::Transformer> Session::empty_copy(const model::Transformer& model, nn::Backend& backend,
                                                        const StageSpec& stage) {
  return std::make_unique<model::Transformer>(backend, model.arch(), stored_type(recipe_.origin(stage)),
                                              nn::Use::inference);
}

std::filesystem::path Session::tokenizer_files() const {
  std::filesystem::path source = recipe_.tokenizer.path;
  if (source.empty()) source = recipe_.model.path;
  if (source.empty()) source = folder_.tokenizer();
  return is_gguf(source) || std::filesystem::is_directory(source) ? source : source.parent_path();
}

void Session::save_model(const model::Transformer& model, const std::filesystem::path& dir, DType dtype) const {
  make_folders(dir.parent_path());
  model::SaveOptions options{.dtype = dtype};
  options.add_files = [&](const std::filesystem::path& unfinished) {
    save_tokenizer_files(tokenizer_files(), unfinished);
  };
  model.save(dir, options);
}

void Session::save_model(const model::Transformer& model, const std::filesystem::path& dir,
                         const model::Lora* adapter) const {
  make_folders(dir.parent_path());
  model::SaveOptions options;
  options.add_files = [&](const std::filesystem::path& unfinished) {
    save_tokenizer_files(tokenizer_files(), unfinished);
    if (adapter != nullptr) adapter->save(unfinished / "adapter");
  };
  model.save(dir, options);
}

std::vector<int32_t> Session::stop_tokens() const {
  return tokenizer_->stop_ids();
}

rollout::Engine Session::make_engine(model::Transformer& model, const rollout::EngineSettings& settings) {
  return rollout::Engine(model, settings, stop_tokens(),
                         [this](std::span<const int32_t> ids) { return tokenizer_->decode(ids); });
}

rollout::Collector Session::make_collector(rollout::Engine& engine, rollout::Occasion occasion,
                                           const AskedProblems* problems) {
  rollout::Collector collector(engine, *scoring_, *tokenizer_, [this, problems](const text::Problem& problem) {
    return problems != nullptr ? problems->prompt(problem) : renderer_->prompt(problem);
  });
  collector.judge_as(std::move(occasion));
  return collector;
}

const std::vector<int64_t>& Session::lengths_of(text::Split split) {
  const auto [found, fresh] = lengths_.try_emplace(split);
  if (fresh) found->second = prompt_lengths(*task_, *renderer_, split);
  return found->second;
}

std::vector<std::string> Session::check_data() {
  return pipeline::check_data(recipe_, *task_, *renderer_, *rewards_, [this](const StageSpec& stage) {
    return int64_t{arch_of(recipe_.origin(stage), tokenizer_->vocab_size()).max_positions};
  });
}

AskedProblems Session::problems(const StageSpec& stage, const PromptUse& use, int64_t max_positions) {
  return AskedProblems(*task_, *renderer_, use, max_positions, lengths_of(use.split), "stages." + stage.name);
}

}  // namespace posttrain::pipeline
