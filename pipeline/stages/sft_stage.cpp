#include <algorithm>
#include <cmath>

#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/data_part.h"
#include "pipeline/stages/examples.h"
#include "sft/sft.h"

namespace posttrain::pipeline {
namespace {

// Pre-training and supervised fine-tuning.
struct SftStage {
  std::vector<DataPart> data;
  text::DataSettings taken;
  int64_t save_every_steps = 0;
  sft::SftSettings sft;
  InLoopEval eval;

  void visit(Visitor& v);
  std::vector<StageReference> references() const { return data_references(data); }
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  int64_t steps() const { return sft.steps; }
  std::vector<PromptUse> prompts() const;
  MemoryNeed memory(const StageModel& model) const;
};

void SftStage::visit(Visitor& v) {
  v("data", data, {.doc = "What is learnt from: parts one after another, shuffled in training", .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  taken.visit(v);
  v.flat(sft);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

std::vector<PromptUse> SftStage::prompts() const {
  std::vector<PromptUse> uses;
  eval.add_prompts(uses);
  return uses;
}

void SftStage::plan(Planner& planner, StagePlan& out) const {
  const auto rows_per_step = static_cast<double>(sft.rows_per_step);
  const PackedData packed = planner.packed(data, sft.row_tokens, taken.overlong == "cut");
  out.steps = sft.steps;
  if (out.steps == 0) {
    out.steps = std::max<int64_t>(1, std::llround(sft.epochs * packed.rows / rows_per_step));
    out.exact = packed.exact;
  }
  const double tokens = static_cast<double>(out.steps) * rows_per_step * packed.tokens / std::max(1.0, packed.rows);
  out.trained = {packed.exact ? tokens : 0, tokens, tokens};
  planner.evaluate(out, eval);
}

MemoryNeed SftStage::memory(const StageModel& model) const {
  const int64_t rows = std::min(sft.rows_per_step * sft.row_tokens, std::max(sft.micro_batch_tokens, sft.row_tokens));
  const PackedData packed = model.planner.packed(data, sft.row_tokens);
  const DecodeSizes decode = in_loop_sizes(model, {}, eval);
  return {{.rows = rows,
           .scored_rows = decode.rows,
           .cache_blocks = decode.blocks,
           .data_bytes = data_bytes(packed.documents, packed.tokens),
           .stored = model.stored,
           .optimizer = sft.training.optimizer()}};
}

void SftStage::inspect(Inspection& to) const {
  if (sft.steps == 0 && sft.epochs == 0) to.error("steps", "expected steps or epochs above 0: nothing is learnt");
  to.learns("data", data, sft.row_tokens);
  to.training(sft.training, sft.steps);
  to.evaluation(eval);
}

StageEnd run_sft(const SftStage& settings, StageRun& run) {
  Session& session = run.session;
  const auto model = session.load_model(run.spec, nn::Use::training);
  model::Learner learner(*model, settings.sft.training.optimizer());
  const int64_t longest =
      std::min<int64_t>(settings.sft.row_tokens, model->arch().max_positions + 1);  // the last predicts nothing
  const auto [examples, facts] = load_examples(run, settings.data, settings.taken, longest);
  sft::SftTrainer trainer(learner, examples, settings.sft, session.seed(), run.key(), settings.taken.in_file_order());

  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = trainer.steps();
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.data = facts;
  stage.step = update_step(session, trainer);
  return run_training(run, stage);
}

}  // namespace

extern const StageType sft_stage = {
    .settings = {"sft", "Pre-train or fine-tune on documents", &make_params<SftStage>},
    .leaves = Leaves::policy,
    .run = of<&run_sft>,
    .plan = of<&SftStage::plan>,
    .inspect = of<&SftStage::inspect>,
    .steps = of<&SftStage::steps>,
    .memory = of<&SftStage::memory>,
    .prompts = of<&SftStage::prompts>,
    .references = of<&SftStage::references>,
};

}  // namespace posttrain::pipeline
