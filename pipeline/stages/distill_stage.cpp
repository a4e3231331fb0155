#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>

#include "base/error.h"
#include "distill/distill.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/data_part.h"
#include "pipeline/stages/examples.h"

namespace posttrain::pipeline {
namespace {

struct DistillStage {
  std::string teacher, teacher_path;
  std::vector<DataPart> data;
  text::DataSettings taken;
  int64_t save_every_steps = 0;
  distill::DistillSettings distill;
  InLoopEval eval;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
  std::vector<StageReference> references() const;
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  int64_t steps() const { return distill.steps; }
  PromptUse prompt_use() const;
  std::vector<PromptUse> prompts() const;
  MemoryNeed memory(const StageModel& model) const;
};

// An answer begins with the first token that is learnt.
std::vector<distill::Example> answers_in(const std::vector<sft::Example>& examples) {
  std::vector<distill::Example> answers;
  for (const sft::Example& example : examples) {
    size_t begin = 1;
    while (begin < example.ids.size() && example.weight[begin] == 0) ++begin;
    if (begin >= example.ids.size()) continue;
    const auto middle = example.ids.begin() + static_cast<ptrdiff_t>(begin);
    answers.push_back({.prompt = {example.ids.begin(), middle}, .completion = {.ids = {middle, example.ids.end()}}});
  }
  return answers;
}

std::unique_ptr<model::Transformer> load_teacher(StageRun& run, const DistillStage& settings, int64_t vocab) {
  Session& session = run.session;
  auto teacher =
      settings.teacher.empty()
          ? model::Transformer::load(session.backend(), settings.teacher_path, DType::f32, nn::Use::inference)
          : session.load_result(*session.recipe().stage(settings.teacher), nn::Use::inference);
  if (teacher->arch().vocab != vocab) {
    throw Error("stages." + run.spec.name, "teacher", "the student's vocabulary of " + std::to_string(vocab),
                std::to_string(teacher->arch().vocab));
  }
  return teacher;
}

void DistillStage::visit(Visitor& v) {
  v("teacher", teacher, {.doc = "An earlier stage whose model teaches"});
  v("teacher_path", teacher_path, {.doc = "Or a model directory with the same vocabulary", .path = true});
  v("data", data, {.doc = "Answers for off-policy steps"});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  taken.visit(v);
  v.flat(distill);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

// Rewards are told, not trained on.
PromptUse DistillStage::prompt_use() const {
  return {.new_tokens = distill.sampling.max_new_tokens, .data = taken, .judged = false};
}

std::vector<PromptUse> DistillStage::prompts() const {
  std::vector<PromptUse> uses;
  if (distill.on_policy_share > 0) uses.push_back(prompt_use());
  eval.add_prompts(uses);
  return uses;
}

void DistillStage::check(const Complain& complain) const {
  if (teacher.empty() == teacher_path.empty()) complain("teacher", "expected exactly one of teacher and teacher_path");
  if (data.empty() && distill.on_policy_share < 1)
    complain("data", "expected answers where on_policy_share is below 1");
}

std::vector<StageReference> DistillStage::references() const {
  auto found = data_references(data);
  if (!teacher.empty()) found.push_back({"teacher", teacher, "model"});
  return found;
}

void DistillStage::plan(Planner& planner, StagePlan& out) const {
  const auto answers = static_cast<double>(distill.steps * distill.prompts_per_step);
  const Range one = answer_tokens(distill.sampling);
  out.steps = distill.steps;
  const double own = answers * distill.on_policy_share;
  if (own > 0) planner.sample(out, text::Split::train, own, 1, distill.sampling);
  if (distill.on_policy_share < 1) out.sampled.low = 0, out.sampled.high = one.high * answers;  // by chance
  out.trained = {0, out.sampled.expected, out.sampled.high};
  if (!data.empty()) {
    const PackedData given = planner.packed(data, std::numeric_limits<int64_t>::max());
    const double tokens = (answers - own) * given.tokens / std::max(1.0, given.documents);
    out.trained += {0, tokens, 2 * tokens};
  }
  out.scored = out.trained;
  planner.evaluate(out, eval);
}

// The teacher is another model; its share is told as if it were of the student's size.
MemoryNeed DistillStage::memory(const StageModel& model) const {
  const auto& d = distill;
  const auto prompt = model.planner.longest_prompt();
  const int64_t drawn = d.prompts_per_step * (prompt + d.sampling.max_new_tokens);
  const int64_t rows = std::min(drawn, std::max(d.micro_batch_tokens, prompt + d.sampling.max_new_tokens));
  DecodeSizes decode = in_loop_sizes(model, d.engine, eval);
  if (d.on_policy_share > 0) {
    const auto own = decode_sizes(model, d.engine, d.prompts_per_step, d.prompts_per_step, d.sampling.max_new_tokens);
    decode = {.blocks = std::max(decode.blocks, own.blocks), .rows = std::max(decode.rows, own.rows)};
  }
  return {{.rows = rows,
           .scored_rows = rows + decode.rows,
           .cache_blocks = decode.blocks,
           .others = 1,
           .stored = model.stored,
           .optimizer = d.training.optimizer()}};
}

void DistillStage::inspect(Inspection& to) const {
  if (distill.steps == 0) to.error("steps", "expected above 0: nothing is learnt");
  to.learns("data", data, 0);
  if (distill.on_policy_share > 0) to.sampling("sampling", distill.sampling, text::Split::train);
  to.training(distill.training, distill.steps);
  to.evaluation(eval);
}

StageEnd run_distill(const DistillStage& settings, StageRun& run) {
  Session& session = run.session;
  const auto& distill = settings.distill;
  const auto model = session.load_model(run.spec, nn::Use::training);
  auto [given, facts] = load_examples(run, settings.data, settings.taken, model->arch().max_positions);
  const auto examples = answers_in(given);

  // A finished cache stands for the teacher; one that an interrupted run left is whole or not there.
  const auto cache_file = session.folder().teacher_of(run.spec.name);
  const bool cached = distill.top_k > 0, reused = cached && run.resumed && std::filesystem::exists(cache_file);
  auto teacher = reused ? nullptr : load_teacher(run, settings, model->arch().vocab);
  std::unique_ptr<distill::TeacherCache> cache;
  if (cached) {
    const auto samples = distill::samples_of(examples);
    if (!reused) {
      distill::write_teacher_cache(
          cache_file, *teacher, samples, distill.top_k, distill.sampling.temperature, distill.micro_batch_tokens,
          [&](int64_t done, int64_t total) { session.progress().phase("teacher", done, total); });
      teacher.reset();
    }
    const auto key = distill::cache_key(samples, distill.top_k, distill.sampling.temperature);
    cache = std::make_unique<distill::TeacherCache>(cache_file, key);
  }

  model::Learner learner(*model, distill.training.optimizer());
  auto engine = session.make_engine(*model, distill.engine);
  std::unique_ptr<AskedProblems> problems;
  if (distill.on_policy_share > 0)
    problems.reset(new AskedProblems(session.problems(run.spec, settings.prompt_use(), model->arch().max_positions)));
  auto collector = session.make_collector(engine, {run.spec.name}, problems.get());
  if (problems)
    std::ranges::copy(data_metrics(problems->lengths(), "data/overlong_prompts"), std::back_inserter(facts));
  distill::DistillTrainer trainer({.learner = learner,
                                   .teacher = teacher.get(),
                                   .cache = cache.get(),
                                   .collector = collector,
                                   .task = problems ? static_cast<const text::Task&>(*problems) : session.task(),
                                   .examples = examples,
                                   .seed = session.seed(),
                                   .stage = run.key(),
                                   .in_file_order = settings.taken.in_file_order()},
                                  distill);
  TrainingStage stage{.model = *model, .learner = learner};
  stage.steps = distill.steps;
  stage.save_every_steps = settings.save_every_steps;
  stage.eval = settings.eval;
  stage.data = facts;
  stage.step = [&](int64_t step) {
    session.progress().phase("distill", 0, 0);
    auto result = trainer.step(step);
    return store::StepRecord{.metrics = std::move(result.metrics), .spans = std::move(result.spans)};
  };
  return run_training(run, stage);
}

}  // namespace

extern const StageType distill_stage = {
    .settings = {"distill", "Learn a teacher's distribution, on given or on own answers", &make_params<DistillStage>},
    .leaves = Leaves::policy,
    .run = of<&run_distill>,
    .plan = of<&DistillStage::plan>,
    .inspect = of<&DistillStage::inspect>,
    .steps = of<&DistillStage::steps>,
    .memory = of<&DistillStage::memory>,
    .prompts = of<&DistillStage::prompts>,
    .references = of<&DistillStage::references>,
};

}  // namespace posttrain::pipeline
