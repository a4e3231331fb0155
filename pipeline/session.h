// What all stages of a run share: recipe, backend, tokenizer, task, rewards, store, display and the run's folder.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "model/learner.h"
#include "model/transformer.h"
#include "nn/backend.h"
#include "pipeline/asked_problems.h"
#include "pipeline/recipe/recipe.h"
#include "pipeline/show/progress.h"
#include "rewards/pool.h"
#include "rollout/collect.h"
#include "store/metrics_file.h"
#include "store/store.h"
#include "text/renderer.h"
#include "text/task.h"
#include "text/tokenizer.h"

namespace posttrain::pipeline {

// Layout of a run's folder.
struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path database() const { return root / "run.db"; }
  std::filesystem::path recipe() const { return root / "recipe.resolved.json"; }
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path summary() const { return root / "summary.json"; }
  std::filesystem::path report() const { return root / "report.html"; }
  std::filesystem::path final_model() const { return root / "final"; }
  std::filesystem::path tokenizer() const { return root / "tokenizer"; }
  std::filesystem::path judges() const { return root / "judges"; }  // what their processes say on stderr
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  // Answers that a rejection sampling stage kept.
  std::filesystem::path data_of(const std::string& stage) const { return root / "data" / (stage + ".jsonl"); }
  // Pairs of answers that a stage kept, and what a `distill` stage keeps of its teacher.
  std::filesystem::path pairs_of(const std::string& stage) const { return root / "data" / (stage + ".pairs.jsonl"); }
  std::filesystem::path teacher_of(const std::string& stage) const { return root / "data" / (stage + ".teacher"); }
  // The model that a finished stage hands over, and the state within an unfinished one.
  std::filesystem::path model_of(const std::string& stage) const { return checkpoints() / stage / "model"; }
  std::filesystem::path state_of(const std::string& stage) const { return checkpoints() / stage / "state.ckpt"; }
  std::filesystem::path state_before(const std::string& stage) const {
    return checkpoints() / stage / "state.before.ckpt";
  }
  // In PEFT's format, of a stage that trained adapters.
  std::filesystem::path adapter_of(const std::string& stage) const { return checkpoints() / stage / "adapter"; }
  // Of an unfinished stage too: the weights of its best evaluation.
  std::filesystem::path best_of(const std::string& stage) const { return checkpoints() / stage / "best"; }
};

// The shape of a model; `vocab` tokens where it is a new one.
model::Arch arch_of(const ModelSpec& spec, int64_t vocab);

DType stored_type(const ModelSpec& spec);

// One per run; not thread-safe but for `stop`.
class Session {
 public:
  // Opens what the recipe names. The store is open and its run begun or rewound before.
  Session(const Recipe& recipe, RunFolder folder, store::Store& store, Progress& progress,
          const std::atomic<bool>& stop);
  ~Session();

  const Recipe& recipe() const { return recipe_; }
  const RunFolder& folder() const { return folder_; }
  store::Store& store() { return store_; }
  Progress& progress() { return progress_; }
  store::MetricsFile& metrics_file() { return metrics_file_; }
  nn::Backend& backend() { return *backend_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const Renderer& renderer() const { return *renderer_; }
  const text::Task& task() const { return *task_; }
  rewards::ScoringPool& scoring() { return *scoring_; }
  uint64_t seed() const { return static_cast<uint64_t>(recipe_.seed); }
  bool stop_requested() const { return stop_.load(); }

  // The weights a stage starts from: an earlier stage's model, a model directory, or random ones.
  std::unique_ptr<model::Transformer> load_model(const StageSpec& stage, nn::Use use);
  // The weights that a finished stage left.
  std::unique_ptr<model::Transformer> load_result(const StageSpec& stage, nn::Use use);
  // Those of its best evaluation so far, where the stage keeps them.
  std::unique_ptr<model::Transformer> load_best(const StageSpec& stage, nn::Use use);
  // A model of the same shape and type, without its weights.
  std::unique_ptr<model::Transformer> empty_copy(const model::Transformer& model, nn::Backend& backend,
                                                 const StageSpec& stage);
  // Writes a Hugging Face model directory with the tokenizer in it.
  void save_model(const model::Transformer& model, const std::filesystem::path& dir, DType dtype = DType::f32) const;
  // The same with adapter/ in it, where there are adapters.
  void save_model(const model::Transformer& model, const std::filesystem::path& dir, const model::Lora* adapter) const;
  // The folder that holds tokenizer.json.
  std::filesystem::path tokenizer_files() const;

  std::vector<int32_t> stop_tokens() const;
  rollout::Engine make_engine(model::Transformer& model, const rollout::EngineSettings& settings);
  // `occasion` is told to judges; `problems` says how prompts become ids and must outlive the collector. Null: nothing
  // is asked.
  rollout::Collector make_collector(rollout::Engine& engine, rollout::Occasion occasion, const AskedProblems* problems);

  // The problems that `stage` asks, for a model of so many positions; the session must outlive them. Throws Error
  // (AskedProblems). What is left out is said once by check_data (pipeline/data_check.h).
  AskedProblems problems(const StageSpec& stage, const PromptUse& use, int64_t max_positions);
  // Looks at all the data that the recipe's stages ask: pipeline/data_check.h.
  std::vector<std::string> check_data();

 private:
  const std::vector<int64_t>& lengths_of(text::Split split);
  std::unique_ptr<model::Transformer> new_model(const ModelSpec& spec, nn::Use use);

  const Recipe& recipe_;
  RunFolder folder_;
  store::Store& store_;
  Progress& progress_;
  const std::atomic<bool>& stop_;
  store::MetricsFile metrics_file_;
  std::unique_ptr<nn::Backend> backend_;
  std::unique_ptr<text::Task> task_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Renderer> renderer_;
  std::map<text::Split, std::vector<int64_t>> lengths_;  // of prompts, where they were asked for
  std::unique_ptr<rewards::RewardSet> rewards_;
  std::unique_ptr<rewards::ScoringPool> scoring_;
};

}  // namespace posttrain::pipeline
