#include "pipeline/stage.h"
#include "pipeline/stages/examples.h"

namespace posttrain::pipeline {
StageEnd run_sft_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<SftStage>();
  const auto model = session.load_model(run.spec, nn::Use::training);
  model::Learner learner(*model, settings.sft.training.optimizer());
  const auto examples = load_examples(session, settings.data);
  sft::SftTrainer trainer(learner, examples, settings.sft, session.seed(), run.key());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.step = update_step(session, trainer);
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
