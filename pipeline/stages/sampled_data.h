// What stages that make data share: answers to training problems, a batch at a time, and the record at the end.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "pipeline/stage.h"

namespace posttrain::pipeline {

// Gets each batch of scored groups and the key of its draws.
using TakeGroups = std::function<void(std::span<const rollout::ScoredGroup>, const rollout::DrawKey&)>;

// Draws `samples` answers to each of the first `prompts` of `problems` in the stage's own order, each problem of a file
// once: fewer where there are fewer, which is said. `take` gets each batch. False when a stop was asked for: the stage
// writes nothing and a resumed run samples again.
bool sample_training_problems(StageRun& run, rollout::Collector& collector, const AskedProblems& problems,
                              int64_t prompts, int64_t samples, const rollout::SamplingSettings& sampling,
                              const TakeGroups& take);

// Stores the stage's figures as its only step and says what was kept.
void record_data(StageRun& run, store::Metrics metrics, const std::string& kept);

}  // namespace posttrain::pipeline
