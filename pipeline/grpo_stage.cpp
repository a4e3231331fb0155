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

}  // namespace

StageEnd run_grpo_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<GrpoStage>();
  const rl::GrpoSettings& grpo = settings.grpo;
  const auto policy = session.load_model(run.spec, nn::Use::training);
  const auto reference = grpo.objective.beta != 0 ? session.load_model(run.spec, nn::Use::inference) : nullptr;
  model::Learner learner(*policy, grpo.training.optimizer());
  auto engine = session.make_engine(*policy, grpo.engine);
  auto collector = session.make_collector(engine);
  rl::GrpoTrainer trainer({.policy = *policy,
                           .reference = reference.get(),
                           .learner = learner,
                           .engine = engine,
                           .collector = collector,
                           .task = session.task(),
                           .seed = session.seed(),
                           .stage = run.key()},
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
  stage.cursor = [&] { return Json{{"problems_drawn", trainer.problems_drawn()}}; };
  stage.restore = [&](const Json& cursor, int64_t step) {
    trainer.set_problems_drawn(cursor.at("problems_drawn").get<int64_t>());
    engine.set_policy_version(step);
  };
  stage.failed_batch = [&] { return trainer.failed_batch(); };
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
