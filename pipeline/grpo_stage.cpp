#include <filesystem>
#include <string>

#include "pipeline/stage.h"

namespace posttrain::pipeline {
namespace {

// Keeps the first groups of a step, as many whole ones as the recipe's number of samples allows.
void limit_samples(std::vector<store::Group>& groups, const std::optional<int64_t>& limit) {
  if (!limit) return;
  int64_t left = *limit;
  size_t kept = 0;
  while (kept < groups.size() && std::ssize(groups[kept].samples) <= left) left -= std::ssize(groups[kept++].samples);
  groups.resize(kept);
}

// A reference that moves is part of what a resumed stage must find again: kept on disk from each move on.
class ReferenceKeeper {
 public:
  ReferenceKeeper(StageRun& run, model::Transformer* reference, int64_t every)
      : run_(run), reference_(reference), every_(every) {}

  void keep(int64_t step) const {
    const RunFolder& folder = run_.session.folder();
    run_.session.save_model(*reference_, folder.reference_of(run_.spec.name, step));
    // What the last checkpoint needs stays, what is older goes.
    const int64_t needed = last_move(saved_step(folder, run_.spec.name));
    for (const auto& entry : std::filesystem::directory_iterator(folder.references_of(run_.spec.name))) {
      if (std::stoll(entry.path().filename().string()) < needed) std::filesystem::remove_all(entry.path());
    }
  }
  void restore(int64_t step) const {
    if (reference_ == nullptr || last_move(step) == 0) return;
    reference_->copy_weights_from(*run_.session.load_reference(run_.spec, last_move(step)));
  }

 private:
  // The last step before which the reference moved, of those before `step`; 0 = none.
  int64_t last_move(int64_t step) const { return every_ > 0 && step > 0 ? (step - 1) / every_ * every_ : 0; }

  StageRun& run_;
  model::Transformer* reference_;
  int64_t every_;
};

}  // namespace

StageEnd run_grpo_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<GrpoStage>();
  const rl::GrpoSettings& grpo = settings.grpo;
  const auto policy = session.load_model(run.spec, nn::Use::training);
  const auto reference = grpo.objective.beta != 0 ? session.load_model(run.spec, nn::Use::inference) : nullptr;
  const ReferenceKeeper references(run, reference.get(), grpo.reference_refresh_steps);
  // A copy of the policy that can draw while the policy trains.
  const auto sampler_backend = grpo.staleness > 0 ? nn::make_cpu_backend() : nullptr;
  const auto sampler = grpo.staleness > 0 ? session.empty_copy(*policy, *sampler_backend, run.spec) : nullptr;
  model::Learner learner(*policy, grpo.training.optimizer());
  auto engine = session.make_engine(sampler ? *sampler : *policy, grpo.engine);
  auto collector = session.make_collector(engine);
  rl::GrpoTrainer trainer({.policy = *policy,
                           .reference = reference.get(),
                           .sampler = sampler.get(),
                           .learner = learner,
                           .engine = engine,
                           .collector = collector,
                           .task = session.task(),
                           .seed = session.seed(),
                           .stage = run.key(),
                           .checkpoint_every = settings.save_every_steps,
                           .reference_moved = [&](int64_t step) { references.keep(step); }},
                          grpo);

  TrainingStage stage{.model = *policy, .learner = learner};
  stage.steps = grpo.steps;
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.step = [&](int64_t step) {
    auto result = trainer.step(
        step, [&](const char* phase, int64_t done, int64_t total) { session.progress().phase(phase, done, total); });
    limit_samples(result.groups, session.recipe().store.samples_per_step);
    return store::StepRecord{
        .metrics = std::move(result.metrics), .spans = std::move(result.spans), .groups = std::move(result.groups)};
  };
  stage.resumable_at = [&](int64_t step) { return trainer.resumable_at(step); };
  stage.cursor = [&] { return trainer.cursor(); };
  stage.restore = [&](const Json& cursor, int64_t step) {
    trainer.restore(cursor);
    references.restore(step);
  };
  stage.failed_batch = [&] { return trainer.failed_batch(); };
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
