#include <algorithm>
#include <cmath>

#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/pairs.h"

namespace posttrain::pipeline {
namespace {

struct DpoStage {
  PairSource pairs;
  int64_t save_every_steps = 0;
  text::DataSettings data;
  sft::DpoSettings dpo;
  InLoopEval eval;

  void visit(Visitor& v);
  std::vector<StageReference> references() const { return pairs.references(); }
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  int64_t steps() const { return dpo.steps; }
  std::vector<PromptUse> prompts() const;
  MemoryNeed memory(const StageModel& model) const;
};

void DpoStage::visit(Visitor& v) {
  v("pairs", pairs, {.doc = "What is learnt from", .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  data.visit(v);
  v.flat(dpo);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

std::vector<PromptUse> DpoStage::prompts() const {
  std::vector<PromptUse> uses;
  eval.add_prompts(uses);
  return uses;
}

void DpoStage::plan(Planner& planner, StagePlan& out) const {
  const KeptData kept = planner.pairs_of(pairs);
  const auto each = static_cast<double>(dpo.pairs_per_step);
  out.steps = dpo.steps > 0 ? dpo.steps : std::max<int64_t>(1, std::llround(dpo.epochs * kept.pairs / each));
  out.exact = dpo.steps > 0 || kept.exact;
  const double tokens = 2 * static_cast<double>(out.steps) * each * kept.tokens;
  out.trained = {kept.exact ? tokens : 0, tokens, 2 * tokens};
  if (dpo.loss.needs_reference()) out.scored = {0, 2 * kept.pairs * kept.tokens, 4 * kept.pairs * kept.tokens};
  planner.evaluate(out, eval);
}

// The reference scores the pairs before the policy is loaded, and is gone then.
MemoryNeed DpoStage::memory(const StageModel& model) const {
  const DecodeSizes decode = in_loop_sizes(model, {}, eval);
  return {{.rows = dpo.micro_batch_tokens,
           .scored_rows = decode.rows,
           .cache_blocks = decode.blocks,
           .stored = model.stored,
           .optimizer = dpo.training.optimizer()}};
}

void DpoStage::inspect(Inspection& to) const {
  if (dpo.steps == 0 && dpo.epochs == 0) to.error("steps", "expected steps or epochs above 0: nothing is learnt");
  to.training(dpo.training, dpo.steps);
  to.evaluation(eval);
}

StageEnd run_dpo(const DpoStage& settings, StageRun& run) {
  Session& session = run.session;
  const auto model = session.load_model(run.spec, nn::Use::training);
  auto [pairs, facts] = load_pairs(run, settings.pairs, settings.data, model->arch().max_positions);
  if (settings.dpo.loss.needs_reference()) {
    session.progress().phase("reference", 0, std::ssize(pairs));
    const auto reference = session.load_model(run.spec, nn::Use::inference);
    sft::score_reference(*reference, pairs, settings.dpo.micro_batch_tokens);
  }
  model::Learner learner(*model, settings.dpo.training.optimizer());
  sft::DpoTrainer trainer(learner, pairs, settings.dpo, session.seed(), run.key(), settings.data.in_file_order());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.data = facts;
  stage.step = update_step(session, trainer);
  return run_training(run, stage);
}

}  // namespace

extern const StageType dpo_stage = {
    .settings = {"dpo", "Learn from pairs of answers, better and worse", &make_params<DpoStage>},
    .leaves = Leaves::policy,
    .run = of<&run_dpo>,
    .plan = of<&DpoStage::plan>,
    .inspect = of<&DpoStage::inspect>,
    .steps = of<&DpoStage::steps>,
    .memory = of<&DpoStage::memory>,
    .prompts = of<&DpoStage::prompts>,
    .references = of<&DpoStage::references>,
};

}  // namespace posttrain::pipeline
