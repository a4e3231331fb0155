#include "pipeline/stage.h"
#include "pipeline/stages/pairs.h"

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
  stage.step = update_step(session, trainer);
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
