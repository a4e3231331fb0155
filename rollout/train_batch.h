// From answers to a packed training batch: a group's prompt appears once and every answer reads it.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "model/batch.h"
#include "rollout/request.h"

namespace posttrain::rollout {

// One answer to train on: its prompt and what was drawn. Both must outlive the call.
struct TrainSample {
  const std::vector<int32_t>* prompt;
  const Completion* completion;
};

// Samples in order; neighbours with the same prompt object share its rows, which stand behind theirs. Head row i is
// token i of the samples' completions laid end to end. The last token of a completion is predicted but never read, so
// it has no row.
model::TrainBatch pack_samples(std::span<const TrainSample> samples, double temperature);

// Samples [first, last) as a batch of its own. All of `samples`, so cut and trained in order, leave the gradients of
// the whole bit for bit: a prompt that a cut parts from some of its answers is trained with the last of them.
model::TrainBatch pack_samples(std::span<const TrainSample> samples, size_t first, size_t last, double temperature);

// Rows that `sample` adds to a batch whose last prompt is `previous` (null = none).
int64_t rows_of(const TrainSample& sample, const std::vector<int32_t>* previous);

// Cuts the samples into runs [first, second) whose rows stay within `limit`; a single sample may exceed it.
std::vector<std::pair<size_t, size_t>> micro_batches(std::span<const TrainSample> samples, int64_t limit);

}  // namespace posttrain::rollout
