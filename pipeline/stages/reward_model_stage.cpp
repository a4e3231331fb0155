#include "pipeline/stage.h"
#include "pipeline/stages/pairs.h"
#include "sft/reward_model.h"

namespace posttrain::pipeline {

StageEnd run_reward_model_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<RewardModelStage>();
  const auto pairs = load_pairs(session, settings.pairs);
  const auto model = session.load_model(run.spec, nn::Use::training);
  model::Learner learner(*model, settings.reward_model.training.optimizer());
  sft::RewardModelTrainer trainer(learner, sft::reward_head(model->arch()), pairs, settings.reward_model,
                                  session.seed(), run.key());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.step = [&, update = update_step(session, trainer)](int64_t step) {
    store::StepRecord record = update(step);
    if (step + 1 == trainer.steps()) {
      record.metrics.emplace_back("rewards/held_out_accuracy", trainer.held_out_accuracy(*model));
    }
    return record;
  };
  return run_training(run, stage);
}

}  // namespace posttrain::pipeline
