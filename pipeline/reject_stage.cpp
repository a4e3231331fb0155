#include <algorithm>
#include <set>

#include "pipeline/examples.h"
#include "pipeline/pairs.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {
namespace {

// The different right answers of one problem, in the order of their samples.
void keep_answers(const rollout::ScoredGroup& group, const RejectStage& settings, std::vector<KeptAnswer>& kept) {
  std::set<std::string> seen;
  for (const auto& answer : group.answers) {
    const auto& c = answer.completion;
    const bool wanted = answer.outcome.verdict == rewards::Verdict::right &&
                        answer.outcome.total >= settings.min_reward && !c.truncated() &&
                        (settings.max_tokens == 0 || std::ssize(c.ids) <= settings.max_tokens);
    if (!wanted || std::ssize(seen) >= settings.keep_per_prompt || !seen.insert(answer.text).second) continue;
    kept.push_back({group.problem.id, group.prompt, c.ids, answer.text, answer.outcome.total});
  }
}

}  // namespace

// R1's third stage, as data making: sample from a checkpoint, keep what is right, once each, a few per problem.
StageEnd run_reject_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<RejectStage>();
  session.progress().stage(run.spec.name, run.index, static_cast<int>(session.recipe().stages.size()), 0);
  const auto model = session.load_model(run.spec, nn::Use::inference);
  auto engine = session.make_engine(*model, settings.engine);
  auto collector = session.make_collector(engine);
  std::vector<KeptAnswer> kept;
  std::vector<sft::AnswerPair> pairs;
  const int64_t at_once = std::max<int64_t>(1, 256 / settings.samples_per_prompt);
  int64_t right = 0;
  for (int64_t first = 0; first < settings.prompts; first += at_once) {
    if (session.stop_requested()) return StageEnd::stopped;  // nothing was written: a resumed run samples again
    std::vector<text::Problem> problems;
    for (int64_t i = first; i < std::min(settings.prompts, first + at_once); ++i) {
      problems.push_back(
          session.task().problem(text::Split::train, session.seed() ^ run.key(), static_cast<uint64_t>(i)));
    }
    rollout::CollectStats stats;
    const auto groups = collector.collect(problems, settings.samples_per_prompt, settings.sampling,
                                          {session.seed(), run.key(), 0, static_cast<uint64_t>(first)}, stats);
    for (const auto& group : groups) {
      keep_answers(group, settings, kept);
      const auto more = right_and_wrong(group, settings.pairs_per_prompt);
      pairs.insert(pairs.end(), more.begin(), more.end());
      for (const auto& answer : group.answers) right += answer.outcome.verdict == rewards::Verdict::right;
    }
    session.progress().phase("rollout", first, settings.prompts);
  }
  write_kept(session.folder().data_of(run.spec.name), kept);
  if (settings.pairs_per_prompt > 0) {
    write_pairs(session.folder().pairs_of(run.spec.name), pairs, session.tokenizer());
  }
  const auto sampled = static_cast<double>(settings.prompts * settings.samples_per_prompt);
  store::StepRecord record{.stage = run.index, .step = 1};
  record.metrics = {{"reject/sampled", sampled},
                    {"reject/right", static_cast<double>(right) / sampled},
                    {"reject/kept", static_cast<double>(kept.size())},
                    {"reject/pairs", static_cast<double>(pairs.size())}};
  session.store().write_step(record);
  session.metrics_file().step(run.spec.name, record);
  session.progress().note(run.spec.name + ": kept " + std::to_string(kept.size()) + " answers of " +
                          std::to_string(settings.prompts * settings.samples_per_prompt));
  return StageEnd::done;
}

}  // namespace posttrain::pipeline
