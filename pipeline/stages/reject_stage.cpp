#include <algorithm>
#include <set>

#include "pipeline/stages/examples.h"
#include "pipeline/stages/pairs.h"
#include "pipeline/stages/sampled_data.h"

namespace posttrain::pipeline {
namespace {

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

}  // namespace

// R1's third stage, as data making: sample from a checkpoint, keep what is right, once each, a few per problem.
StageEnd run_reject_stage(StageRun& run) {
  Session& session = run.session;
  const auto& settings = *run.spec.settings.get<RejectStage>();
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  auto engine = session.make_engine(*model, settings.engine);
  auto collector = session.make_collector(engine);
  std::vector<KeptAnswer> kept;
  std::vector<sft::AnswerPair> pairs;
  int64_t right = 0;
  const auto keep = [&](std::span<const rollout::ScoredGroup> groups) {
    for (const auto& group : groups) {
      keep_answers(group, settings, kept);
      const auto more = right_and_wrong(group, settings.pairs_per_prompt);
      pairs.insert(pairs.end(), more.begin(), more.end());
      for (const auto& answer : group.answers) right += answer.outcome.verdict == Verdict::right;
    }
  };
  if (!sample_training_problems(run, collector, settings.prompts, settings.samples_per_prompt, settings.sampling, keep))
    return StageEnd::stopped;
  write_kept(session.folder().data_of(run.spec.name), kept);
  if (settings.pairs_per_prompt > 0) {
    write_pairs(session.folder().pairs_of(run.spec.name), pairs, session.tokenizer());
  }
  const int64_t sampled = settings.prompts * settings.samples_per_prompt;
  record_data(run,
              {{"reject/sampled", static_cast<double>(sampled)},
               {"reject/right", static_cast<double>(right) / static_cast<double>(sampled)},
               {"reject/kept", static_cast<double>(kept.size())},
               {"reject/pairs", static_cast<double>(pairs.size())}},
              std::to_string(kept.size()) + " answers of " + std::to_string(sampled));
  return StageEnd::done;
}

}  // namespace posttrain::pipeline
