// What a training stage will need in memory, told before it starts.
#pragma once

#include <cstdint>
#include <string>

#include "model/arch.h"
#include "model/learner.h"

namespace posttrain::model {

// Bytes. Estimates from the architecture alone: within a fifth of what is used, and never far below it.
struct MemoryPlan {
  int64_t weights = 0;  // master copy and the layouts that the kernels multiply with
  int64_t gradients = 0, optimizer = 0;
  int64_t reference = 0;    // the frozen model of a KL term
  int64_t activations = 0;  // of the largest micro-batch
  int64_t cache = 0;        // keys and values of the rollout engine

  int64_t total() const { return weights + gradients + optimizer + reference + activations + cache; }
  // "weights 0.5 GB, gradients ..., 2.1 GB in all"
  std::string text() const;
};

int64_t parameter_count(const Arch& arch);
// What forward keeps for backward, per row of a packed batch.
int64_t activation_bytes_per_row(const Arch& arch, bool recompute);
// Rows of a micro-batch where the settings leave it open: what 2 GiB of activations hold, 256 to 4,096.
int64_t default_micro_batch_rows(const Arch& arch, bool recompute);
int64_t cache_bytes_per_block(const Arch& arch);

// What a stage trains with: at most `rows` rows at once, `cache_blocks` blocks of 32 positions to decode.
struct TrainingSizes {
  int64_t rows = 0, cache_blocks = 0;
  bool reference = false;
  DType stored = DType::f32;
  OptimizerSettings optimizer = {};
};
MemoryPlan plan_training(const Arch& arch, const TrainingSizes& sizes);

}  // namespace posttrain::model
