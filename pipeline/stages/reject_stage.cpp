#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/format.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/preflight/reward_checks.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stages/examples.h"
#include "pipeline/stages/pairs.h"
#include "pipeline/stages/sampled_data.h"

namespace posttrain::pipeline {
namespace {

// R1's third stage, as data making: sample from a checkpoint, keep what is right, once each, a few per problem.
struct RejectStage {
  int64_t prompts = 1000, samples_per_prompt = 4, keep_per_prompt = 2;
  double min_reward = 0;
  int64_t max_tokens = 0;
  int64_t pairs_per_prompt = 0;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;

  void visit(Visitor& v);
  bool leaves_data(std::string_view what) const { return what == "data" || pairs_per_prompt > 0; }
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  PromptUse prompt_use() const { return {.new_tokens = sampling.max_new_tokens}; }
  std::vector<PromptUse> prompts_asked() const { return {prompt_use()}; }
};

// The different right answers of one problem, in the order of their samples.
void keep_answers(const rollout::ScoredGroup& group, const RejectStage& settings, std::vector<KeptAnswer>& kept) {
  std::set<std::string> seen;
  for (const auto& answer : group.answers) {
    const auto& c = answer.completion;
    const bool wanted = answer.outcome.verdict == Verdict::right && answer.outcome.total >= settings.min_reward &&
                        !c.truncated() && (settings.max_tokens == 0 || std::ssize(c.ids) <= settings.max_tokens);
    if (!wanted || std::ssize(seen) >= settings.keep_per_prompt || !seen.insert(answer.text).second) continue;
    kept.push_back({group.problem.id, group.prompt, c.ids, answer.text, answer.outcome.total});
  }
}

void RejectStage::visit(Visitor& v) {
  v("prompts", prompts, {.doc = "Problems of the training split", .min = 1, .max = 1 << 24});
  v("samples_per_prompt", samples_per_prompt, {.doc = "Answers to each", .min = 1, .max = 1 << 16});
  v("keep_per_prompt", keep_per_prompt, {.doc = "Most different answers kept of one problem", .min = 1});
  v("min_reward", min_reward, {.doc = "Besides being right, an answer needs at least this total reward"});
  v("max_tokens", max_tokens, {.doc = "Longer answers are dropped; 0 = none", .min = 0, .unit = "tokens"});
  v("pairs_per_prompt", pairs_per_prompt,
    {.doc = "Most pairs of a right and a wrong answer kept of one problem, for a `dpo` or `reward_model` stage",
     .min = 0,
     .max = 1 << 16});
  v("sampling", sampling, {.doc = "How answers are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
}

void RejectStage::plan(Planner& planner, StagePlan& out) const {
  const auto asked = static_cast<double>(prompts);
  planner.sample(out, text::Split::train, asked, static_cast<double>(samples_per_prompt), sampling);
  planner.keep(out.name, {.answers = asked * static_cast<double>(std::min(keep_per_prompt, samples_per_prompt)),
                          .pairs = asked * static_cast<double>(pairs_per_prompt),
                          .tokens = out.prompts / asked + answer_tokens(sampling).expected});
}

void RejectStage::inspect(Inspection& to) const {
  to.judged();
  const double most = largest_reward(to.recipe());
  if (min_reward > most)
    to.error("min_reward", formatted("expected at most %g, the most that the rewards give, got %g", most, min_reward));
  if (sampling.temperature == 0 && samples_per_prompt > 1)
    to.warning("sampling.temperature", "expected above 0: all answers to a prompt are the same");
  to.problems("prompts", prompts, text::Split::train);
  to.sampling("sampling", sampling, text::Split::train);
}

StageEnd run_reject(const RejectStage& settings, StageRun& run) {
  Session& session = run.session;
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  auto engine = session.make_engine(*model, settings.engine);
  const auto problems = session.problems(run.spec, settings.prompt_use(), engine.max_positions());
  auto collector = session.make_collector(engine, {run.spec.name}, &problems);
  std::vector<KeptAnswer> kept;
  std::vector<sft::AnswerPair> pairs;
  int64_t right = 0, judged = 0, sampled = 0;
  std::string why;  // in the words of a judge that failed
  const auto keep = [&](std::span<const rollout::ScoredGroup> groups, const rollout::DrawKey&) {
    for (const auto& group : groups) {
      keep_answers(group, settings, kept);
      const auto more = right_and_wrong(group, settings.pairs_per_prompt);
      pairs.insert(pairs.end(), more.begin(), more.end());
      sampled += std::ssize(group.answers);
      for (const auto& answer : group.answers) {
        right += answer.outcome.verdict == Verdict::right;
        judged += is_judged(answer.outcome.verdict);
        if (!is_judged(answer.outcome.verdict)) why = rewards::why_unjudged(answer.outcome);
      }
    }
  };
  if (!sample_training_problems(run, collector, problems, settings.prompts, settings.samples_per_prompt,
                                settings.sampling, keep))
    return StageEnd::stopped;
  if (judged == 0) throw Failure(run.spec.name, "no judge gave a verdict on any answer: " + why);
  const double failed = 1 - static_cast<double>(judged) / static_cast<double>(sampled);
  if (failed > 0) {
    session.progress().alert(
        formatted("failed %.1f%%: no judge gave a verdict on these answers (%s)", 100 * failed, why.c_str()));
  }
  write_kept(session.folder().data_of(run.spec.name), kept);
  if (settings.pairs_per_prompt > 0) {
    write_pairs(session.folder().pairs_of(run.spec.name), pairs, session.tokenizer());
  }
  record_data(run,
              {{"reject/sampled", static_cast<double>(sampled)},
               {"reject/right", static_cast<double>(right) / static_cast<double>(judged)},
               {"reject/failed", failed},
               {"reject/kept", static_cast<double>(kept.size())},
               {"reject/pairs", static_cast<double>(pairs.size())}},
              std::to_string(kept.size()) + " answers of " + std::to_string(sampled));
  return StageEnd::done;
}

}  // namespace

extern const StageType reject_stage = {
    .settings = {"reject", "Rejection sampling: keep a model's right answers as training data",
                 &make_params<RejectStage>},
    .leaves = Leaves::no_model,
    .run = of<&run_reject>,
    .plan = of<&RejectStage::plan>,
    .inspect = of<&RejectStage::inspect>,
    .prompts = of<&RejectStage::prompts_asked>,
    .leaves_data = of<&RejectStage::leaves_data>,
};

}  // namespace posttrain::pipeline
