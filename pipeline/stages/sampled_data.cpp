#include "pipeline/stages/sampled_data.h"

#include <algorithm>

namespace posttrain::pipeline {

bool sample_training_problems(StageRun& run, rollout::Collector& collector, const AskedProblems& asked, int64_t prompts,
                              int64_t samples, const rollout::SamplingSettings& sampling, const TakeGroups& take) {
  Session& session = run.session;
  const int64_t available = asked.size(text::Split::train);
  if (available > 0 && available < prompts) {
    session.progress().note(run.spec.name + ": " + std::to_string(available) + " problems are there, not " +
                            std::to_string(prompts) + "; each is asked once");
    prompts = available;
  }
  const int64_t at_once = std::max<int64_t>(1, 256 / samples);
  for (int64_t first = 0; first < prompts; first += at_once) {
    if (session.stop_requested()) return false;
    std::vector<text::Problem> problems;
    for (int64_t i = first; i < std::min(prompts, first + at_once); ++i) {
      problems.push_back(asked.problem(text::Split::train, session.seed() ^ run.key(), static_cast<uint64_t>(i)));
    }
    rollout::CollectStats stats;
    const rollout::DrawKey key{session.seed(), run.key(), 0, static_cast<uint64_t>(first)};
    take(collector.collect(problems, samples, sampling, key, stats,
                           [&](int64_t tokens, int64_t finished, int64_t) {
                             session.progress().phase("rollout", first + finished / samples, prompts, tokens);
                             return true;
                           }),
         key);
  }
  return true;
}

void record_data(StageRun& run, store::Metrics metrics, const std::string& kept) {
  const store::StepRecord record{.stage = run.index, .step = 1, .metrics = std::move(metrics)};
  run.session.store().write_step(record);
  run.session.metrics_file().step(run.spec.name, record);
  run.session.progress().note(run.spec.name + ": kept " + kept);
}

}  // namespace posttrain::pipeline
