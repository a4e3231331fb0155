#include <algorithm>
#include <cmath>

#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/pairs.h"
#include "sft/reward_model.h"

namespace posttrain::pipeline {
namespace {

struct RewardModelStage {
  PairSource pairs;
  int64_t save_every_steps = 0;
  text::DataSettings data;
  sft::RewardModelSettings reward_model;

  void visit(Visitor& v);
  std::vector<StageReference> references() const { return pairs.references(); }
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  int64_t steps() const { return reward_model.steps; }
  MemoryNeed memory(const StageModel& model) const;
};

void RewardModelStage::visit(Visitor& v) {
  v("pairs", pairs, {.doc = "What is learnt from", .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  data.visit(v);
  v.flat(reward_model);
}

void RewardModelStage::plan(Planner& planner, StagePlan& out) const {
  const auto& m = reward_model;
  const KeptData kept = planner.pairs_of(pairs);
  const auto each = static_cast<double>(m.pairs_per_step);
  const double learnt = kept.pairs - std::floor(m.held_out * kept.pairs);
  out.steps = m.steps > 0 ? m.steps : std::max<int64_t>(1, std::llround(m.epochs * learnt / each));
  out.exact = m.steps > 0 || kept.exact;
  const double tokens = 2 * static_cast<double>(out.steps) * each * kept.tokens;
  out.trained = {kept.exact ? tokens : 0, tokens, 2 * tokens};
}

MemoryNeed RewardModelStage::memory(const StageModel& model) const {
  return {{.rows = reward_model.micro_batch_tokens,
           .stored = model.stored,
           .optimizer = reward_model.training.optimizer()}};
}

void RewardModelStage::inspect(Inspection& to) const {
  const auto& m = reward_model;
  if (m.steps == 0 && m.epochs == 0) to.error("steps", "expected steps or epochs above 0: nothing is learnt");
  to.training(m.training, m.steps);
}

StageEnd run_reward_model(const RewardModelStage& settings, StageRun& run) {
  Session& session = run.session;
  const auto model = session.load_model(run.spec, nn::Use::training);
  const auto [pairs, facts] = load_pairs(run, settings.pairs, settings.data, model->arch().max_positions);
  model::Learner learner(*model, settings.reward_model.training.optimizer());
  sft::RewardModelTrainer trainer(learner, sft::reward_head(model->arch()), pairs, settings.reward_model,
                                  session.seed(), run.key(), settings.data.in_file_order());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.data = facts;
  stage.step = [&, update = update_step(session, trainer)](int64_t step) {
    store::StepRecord record = update(step);
    if (step + 1 == trainer.steps()) {
      record.metrics.emplace_back("rewards/held_out_accuracy", trainer.held_out_accuracy(*model));
    }
    return record;
  };
  return run_training(run, stage);
}

}  // namespace

extern const StageType reward_model_stage = {
    .settings = {"reward_model", "Learn a score for answers from pairs", &make_params<RewardModelStage>},
    .leaves = Leaves::other_model,
    .run = of<&run_reward_model>,
    .plan = of<&RewardModelStage::plan>,
    .inspect = of<&RewardModelStage::inspect>,
    .steps = of<&RewardModelStage::steps>,
    .memory = of<&RewardModelStage::memory>,
    .references = of<&RewardModelStage::references>,
};

}  // namespace posttrain::pipeline
