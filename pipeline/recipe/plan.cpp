#include "pipeline/recipe/plan.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "pipeline/recipe/memory_check.h"
#include "pipeline/recipe/speeds.h"
#include "pipeline/session.h"
#include "pipeline/stage_settings.h"

namespace posttrain::pipeline {
namespace {

double answer_tokens(const rollout::SamplingSettings& sampling) {
  return static_cast<double>(sampling.max_new_tokens) / 2;
}

double eval_tokens(const EvalSettings& eval) {
  return static_cast<double>(eval.problems * eval.samples) * answer_tokens(eval.sampling);
}

double eval_tokens(const InLoopEval& loop, int64_t steps) {
  if (loop.every_steps == 0) return 0;
  return eval_tokens(loop.eval) * std::ceil(static_cast<double>(steps) / static_cast<double>(loop.every_steps) + 1);
}

// Counts what stages do; one object a recipe, so that later stages know what earlier ones may keep.
class Planner {
 public:
  explicit Planner(const Recipe& recipe)
      : recipe_(recipe),
        task_(tasks::make_task(recipe.task.settings)),
        bytes_per_token_(tasks::task_vocabulary(recipe.task.settings) ? 1 : 4) {}

  StagePlan plan(const StageSpec& spec) {
    StagePlan out{.name = spec.name, .type = spec.type(), .from = spec.from};
    if (const auto* s = spec.settings.get<SftStage>()) count(*s, out);
    if (const auto* s = spec.settings.get<GrpoStage>()) count(*s, out);
    if (const auto* s = spec.settings.get<RejectStage>()) count(*s, spec.name, out);
    if (const auto* s = spec.settings.get<DpoStage>()) count(*s, out);
    if (const auto* s = spec.settings.get<DistillStage>()) count(*s, out);
    if (const auto* s = spec.settings.get<JudgeStage>()) count(*s, spec.name, out);
    if (const auto* s = spec.settings.get<RewardModelStage>()) count(*s, out);
    if (const auto* s = spec.settings.get<EvalStage>()) out.sampled = eval_tokens(s->eval);
    if (const auto* s = spec.settings.get<SearchStage>()) {  // the tree and the plain samples
      out.sampled = 2 * static_cast<double>(s->problems * s->attempts) * answer_tokens(s->sampling);
    }
    return out;
  }

 private:
  struct Kept {
    double answers = 0, pairs = 0, tokens = 0;  // tokens of one answer
  };

  double document_tokens(const std::string& source) const {
    constexpr int64_t looked_at = 64;
    const auto kind = source == "traces"    ? text::Source::traces
                      : source == "general" ? text::Source::general
                                            : text::Source::corpus;
    double bytes = 0;
    for (uint64_t i = 0; i < looked_at; ++i) {
      bytes += static_cast<double>(task_->document(kind, static_cast<uint64_t>(recipe_.seed), i).text.size());
    }
    return bytes / looked_at / bytes_per_token_;
  }

  // Documents and tokens of all parts; what stands in files is not looked at.
  std::pair<double, double> size_of(const std::vector<DataPart>& data) const {
    double documents = 0, tokens = 0;
    for (const DataPart& part : data) {
      if (part.source == "file") continue;
      double count = part.documents > 0 ? static_cast<double>(part.documents) : part.share * documents;
      double each = 0;
      if (part.source == "stage") {
        const Kept& kept = kept_.at(part.stage);
        count = part.documents > 0 ? std::min(count, kept.answers) : kept.answers;
        each = kept.tokens;
      } else {
        each = document_tokens(part.source);
      }
      documents += count;
      tokens += count * each;
    }
    return {documents, tokens};
  }

  void count(const SftStage& s, StagePlan& out) const {
    const auto per_step = static_cast<double>(s.sft.rows_per_step * s.sft.row_tokens);
    out.steps = s.sft.steps;
    if (out.steps == 0) out.steps = std::llround(std::max(1.0, s.sft.epochs * size_of(s.data).second / per_step));
    out.trained = static_cast<double>(out.steps) * per_step;
    out.sampled = eval_tokens(s.eval, out.steps);
  }

  void count(const GrpoStage& s, StagePlan& out) const {
    const auto& g = s.grpo;
    const double tokens =
        static_cast<double>(g.steps * g.prompts_per_step * g.samples_per_prompt) * answer_tokens(g.sampling);
    out.steps = g.steps;
    out.sampled = tokens + eval_tokens(s.eval, g.steps);
    out.trained = tokens * static_cast<double>(g.epochs);
    out.scored = g.objective.beta != 0 ? tokens : 0;
  }

  void count(const RejectStage& s, const std::string& name, StagePlan& out) {
    out.sampled = static_cast<double>(s.prompts * s.samples_per_prompt) * answer_tokens(s.sampling);
    kept_[name] = {.answers = static_cast<double>(s.prompts * std::min(s.keep_per_prompt, s.samples_per_prompt)),
                   .pairs = static_cast<double>(s.prompts * s.pairs_per_prompt),
                   .tokens = answer_tokens(s.sampling)};
  }

  void count(const DpoStage& s, StagePlan& out) const {
    const auto found = kept_.find(s.pairs.stage);
    const Kept kept = found == kept_.end() ? Kept{} : found->second;
    const double pairs =
        s.dpo.steps > 0 ? static_cast<double>(s.dpo.steps * s.dpo.pairs_per_step) : s.dpo.epochs * kept.pairs;
    out.steps = std::llround(std::ceil(pairs / static_cast<double>(s.dpo.pairs_per_step)));
    out.trained = 2 * pairs * kept.tokens;
    out.scored = s.dpo.loss.needs_reference() ? 2 * kept.pairs * kept.tokens : 0;
    out.sampled = eval_tokens(s.eval, out.steps);
  }

  // Both orders of every pair are asked.
  void count(const JudgeStage& s, const std::string& name, StagePlan& out) {
    const auto pairs = static_cast<double>(s.prompts * s.pairs_per_prompt);
    out.sampled = 2 * pairs * answer_tokens(s.sampling) +
                  2 * pairs * static_cast<double>(s.judge.votes) * answer_tokens(s.judge.sampling);
    kept_[name] = {.answers = 0, .pairs = pairs, .tokens = answer_tokens(s.sampling)};
  }

  void count(const RewardModelStage& s, StagePlan& out) const {
    const auto& m = s.reward_model;
    const auto found = kept_.find(s.pairs.stage);
    const Kept kept = found == kept_.end() ? Kept{} : found->second;
    const double pairs =
        m.steps > 0 ? static_cast<double>(m.steps * m.pairs_per_step) : m.epochs * kept.pairs * (1 - m.held_out);
    out.steps = std::llround(std::ceil(pairs / static_cast<double>(m.pairs_per_step)));
    out.trained = 2 * pairs * kept.tokens;
  }

  void count(const DistillStage& s, StagePlan& out) const {
    const auto& d = s.distill;
    const auto answers = static_cast<double>(d.steps * d.prompts_per_step);
    out.steps = d.steps;
    out.trained = answers * answer_tokens(d.sampling);
    out.scored = out.trained;
    out.sampled = out.trained * d.on_policy_share + eval_tokens(s.eval, d.steps);
  }

  const Recipe& recipe_;
  std::unique_ptr<text::Task> task_;
  double bytes_per_token_;
  std::map<std::string, Kept> kept_;
};

}  // namespace

std::vector<StagePlan> plan_run(const Recipe& recipe, nn::Backend& backend) {
  const auto vocabulary = tasks::task_vocabulary(recipe.task.settings);
  Planner planner(recipe);
  std::map<const ModelSpec*, Speeds> speeds;
  std::vector<StagePlan> plan;
  for (const StageSpec& spec : recipe.stages) {
    plan.push_back(planner.plan(spec));
    StagePlan& stage = plan.back();
    const ModelSpec& origin = recipe.origin(spec);
    const model::Arch arch = arch_of(origin, vocabulary ? std::ssize(vocabulary->tokens) : 64);
    if (!speeds.contains(&origin)) speeds[&origin] = measure_speeds(backend, arch);
    const Speeds& s = speeds[&origin];
    stage.seconds = stage.trained / s.train + stage.scored / s.score + stage.sampled / s.sample;
    stage.memory = memory_text(recipe, spec);
  }
  return plan;
}

}  // namespace posttrain::pipeline
