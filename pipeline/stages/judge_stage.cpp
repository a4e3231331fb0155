#include <algorithm>

#include "base/rng.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"
#include "pipeline/stages/judge.h"
#include "pipeline/stages/pairs.h"
#include "pipeline/stages/sampled_data.h"

namespace posttrain::pipeline {
namespace {

// Pairs of a model's answers, ordered by the majority of a judge's votes: preference data where no rule decides.
struct JudgeStage {
  std::string candidates;
  int64_t prompts = 1000, pairs_per_prompt = 1;
  JudgeSettings judge;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
  std::vector<StageReference> references() const;
  bool leaves_data(std::string_view what) const { return what == "pairs"; }
  void plan(Planner& planner, StagePlan& out) const;
  void inspect(Inspection& to) const;
  PromptUse prompt_use() const { return {.new_tokens = sampling.max_new_tokens}; }
  std::vector<PromptUse> prompts_asked() const { return {prompt_use()}; }
};

// What was judged so far.
struct JudgeTally {
  double pairs = 0, decided = 0, consistent = 0, checkable = 0, agreed = 0;

  // `rule` > 0: the rules say that a is the better one; < 0: b; 0: they do not tell them apart.
  void add(const Preference& p, int rule) {
    pairs += 1;
    consistent += (p.asked_first > 0.5 && p.asked_second > 0.5) || (p.asked_first < 0.5 && p.asked_second < 0.5);
    if (!p.decided()) return;
    decided += 1;
    checkable += rule != 0;
    agreed += rule != 0 && (p.share() > 0.5) == (rule > 0);
  }
};

int better_by_rules(const rollout::Answer& a, const rollout::Answer& b) {
  if (!is_judged(a.outcome.verdict) || !is_judged(b.outcome.verdict)) return 0;
  const auto right = [](const rollout::Answer& x) { return x.outcome.verdict == Verdict::right ? 1 : 0; };
  return right(a) - right(b);
}

void JudgeStage::visit(Visitor& v) {
  v("candidates", candidates, {.doc = "The earlier stage whose model answers; \"\" = the judge itself"});
  v("prompts", prompts, {.doc = "Problems of the training split", .min = 1, .max = 1 << 24});
  v("pairs_per_prompt", pairs_per_prompt, {.doc = "Pairs of answers to each", .min = 1, .max = 1 << 15});
  v("judge", judge, {.doc = "How the judge is asked"});
  v("sampling", sampling, {.doc = "How answers are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
}

void JudgeStage::check(const Complain& complain) const {
  if (judge.mode != "pairs") complain("judge.mode", "expected pairs: this stage orders pairs");
}

std::vector<StageReference> JudgeStage::references() const {
  return candidates.empty() ? std::vector<StageReference>{}
                            : std::vector<StageReference>{{"candidates", candidates, "model"}};
}

// Both orders of every pair are asked.
void JudgeStage::plan(Planner& planner, StagePlan& out) const {
  const double asked = static_cast<double>(prompts), compared = asked * static_cast<double>(pairs_per_prompt);
  planner.sample(out, text::Split::train, asked, 2 * static_cast<double>(pairs_per_prompt), sampling);
  Range replies = answer_tokens(judge.sampling) * (2 * compared * static_cast<double>(judge.votes));
  replies.low = 0;  // equal answers are not compared
  out.sampled += replies;
  planner.keep(out.name,
               {.answers = 0, .pairs = compared, .tokens = out.prompts / asked + answer_tokens(sampling).expected});
}

void JudgeStage::inspect(Inspection& to) const {
  if (sampling.temperature == 0)
    to.error("sampling.temperature", "expected above 0: both answers of a pair are the same");
  to.problems("prompts", prompts, text::Split::train);
  to.sampling("sampling", sampling, text::Split::train);
}

StageEnd run_judge(const JudgeStage& settings, StageRun& run) {
  Session& session = run.session;
  run.announce();
  const auto judge_model = session.load_model(run.spec, nn::Use::inference);
  const auto writer = settings.candidates.empty()
                          ? nullptr
                          : session.load_result(*session.recipe().stage(settings.candidates), nn::Use::inference);
  auto engine = session.make_engine(writer ? *writer : *judge_model, settings.engine);
  const auto problems = session.problems(run.spec, settings.prompt_use(), engine.max_positions());
  auto collector = session.make_collector(engine, {run.spec.name}, &problems);
  GenerativeJudge judge(*judge_model, session.renderer(), settings.judge);
  std::vector<sft::AnswerPair> kept;
  JudgeTally tally;
  const auto judge_batch = [&](std::span<const rollout::ScoredGroup> groups, const rollout::DrawKey& key) {
    std::vector<Answers> questions;
    std::vector<std::pair<const rollout::ScoredGroup*, size_t>> asked;  // the group and the place of a
    for (const auto& group : groups) {
      for (size_t i = 0; i + 1 < group.answers.size(); i += 2) {
        if (group.answers[i].text == group.answers[i + 1].text) continue;
        questions.push_back({group.problem.prompt, group.answers[i].text, group.answers[i + 1].text});
        asked.emplace_back(&group, i);
      }
    }
    const auto preferences =
        judge.prefer(questions, {key.seed, key.stage ^ hash_name("judge"), key.step, key.first_prompt});
    for (size_t i = 0; i < preferences.size(); ++i) {
      const auto& [group, place] = asked[i];
      const auto &a = group->answers[place], &b = group->answers[place + 1];
      tally.add(preferences[i], better_by_rules(a, b));
      if (!preferences[i].decided()) continue;
      const bool first_wins = preferences[i].share() > 0.5;
      kept.push_back({.prompt = group->prompt,
                      .chosen = {.ids = (first_wins ? a : b).completion.ids},
                      .rejected = {.ids = (first_wins ? b : a).completion.ids}});
    }
  };
  if (!sample_training_problems(run, collector, problems, settings.prompts, 2 * settings.pairs_per_prompt,
                                settings.sampling, judge_batch)) {
    return StageEnd::stopped;
  }
  write_pairs(session.folder().pairs_of(run.spec.name), kept, session.tokenizer());
  record_data(run,
              {{"judge/pairs", tally.pairs},
               {"judge/decided", tally.decided / std::max(1.0, tally.pairs)},
               {"judge/consistent", tally.consistent / std::max(1.0, tally.pairs)},
               {"judge/agreement", tally.agreed / std::max(1.0, tally.checkable)}},
              std::to_string(kept.size()) + " pairs of " + std::to_string(static_cast<int64_t>(tally.pairs)));
  return StageEnd::done;
}

}  // namespace

extern const StageType judge_stage = {
    .settings = {"judge", "Order pairs of answers by a model's votes", &make_params<JudgeStage>},
    .leaves = Leaves::no_model,
    .run = of<&run_judge>,
    .plan = of<&JudgeStage::plan>,
    .inspect = of<&JudgeStage::inspect>,
    .prompts = of<&JudgeStage::prompts_asked>,
    .references = of<&JudgeStage::references>,
    .leaves_data = of<&JudgeStage::leaves_data>,
};

}  // namespace posttrain::pipeline
