// The optimizer steps over one rollout: epochs x minibatches, each cut into micro-batches that fit memory.
#pragma once

#include <cstdint>

#include "model/learner.h"
#include "rl/metrics.h"
#include "rl/rollout_batch.h"

namespace posttrain::rl {

struct UpdateSettings {
  int64_t minibatches = 1, epochs = 1, micro_batch_tokens = 8192;
  double temperature = 1, lr = 0;
  uint64_t seed = 0, stage = 0, step = 0;  // name the shuffle of minibatches
};

// Trains on the batch and returns what happened. Samples without a gradient are not run at all: a group without spread
// costs nothing unless a KL or entropy term pulls on it. Throws Failure when a coefficient or gradient is not finite.
UpdateMetrics update_policy(model::Learner& learner, const RolloutBatch& batch, const ObjectiveSettings& objective,
                            const UpdateSettings& settings, const PhaseCallback& phase);

}  // namespace posttrain::rl
