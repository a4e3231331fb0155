#include "pipeline/pairs.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {

StageEnd run_dpo_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<DpoStage>();
  auto pairs = load_pairs(session, settings.pairs);
  if (settings.dpo.loss.needs_reference()) {
    session.progress().phase("reference", 0, std::ssize(pairs));
    const auto reference = session.load_model(run.spec, nn::Use::inference);
    sft::score_reference(*reference, pairs, settings.dpo.micro_batch_tokens);
  }
  const auto model = session.load_model(run.spec, nn::Use::training);
  model::Learner learner(*model, settings.dpo.training.optimizer());
  sft::DpoTrainer trainer(learner, pairs, settings.dpo, session.seed(), run.key());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.step = [&](int64_t step) {
    session.progress().phase("update", 0, 0);
    const auto result = trainer.step(step);
    return store::StepRecord{.metrics = result.metrics, .spans = {{.phase = "update", .t0 = 0, .t1 = result.seconds}}};
  };
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
