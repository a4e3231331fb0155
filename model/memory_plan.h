// What a training stage will need in memory, told before it starts.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/arch.h"
#include "model/learner.h"

namespace posttrain::model {

// Bytes of resident memory at a stage's peak, from its settings alone.
struct MemoryPlan {
  int64_t program = 0;  // the program itself, its libraries, tokenizer and data
  int64_t weights = 0;  // master copy and the layouts that the kernels multiply with
  int64_t gradients = 0, optimizer = 0;
  int64_t reference = 0;    // the other model: a frozen one of a KL term, a teacher, a sampler's copy
  int64_t activations = 0;  // of the largest micro-batch and of what is decoded
  int64_t cache = 0;        // keys and values of the rollout engine

  int64_t total() const;
  // The largest part and its bytes.
  std::pair<const char*, int64_t> largest() const;
  // "weights 0.5 GB, gradients ..., 2.1 GB in all"
  std::string text() const;
};

int64_t parameter_count(const Arch& arch);
// Floats per row of a packed batch: what a forward of all layers keeps for its backward, and what scoring needs.
int64_t activation_bytes_per_row(const Arch& arch, bool recompute);
int64_t scoring_bytes_per_row(const Arch& arch);
// Rows of a micro-batch where the settings leave it open: what 2 GiB of activations hold, 256 to 4,096.
int64_t default_micro_batch_rows(const Arch& arch, bool recompute);
int64_t cache_bytes_per_block(const Arch& arch);

// What a stage trains with.
struct TrainingSizes {
  int64_t rows = 0;          // most rows at once in forward and backward
  int64_t scored_rows = 0;   // most rows that the policy or the reference scores or decodes at once
  int64_t cache_blocks = 0;  // of 32 positions to decode
  int64_t data_bytes = 0;    // what is trained on
  int64_t others = 0;        // further models of this shape that only predict
  DType stored = DType::f32;
  OptimizerSettings optimizer = {};
};
MemoryPlan plan_training(const Arch& arch, const TrainingSizes& sizes);

// What would bring a stage within `limit` bytes: settings of memory that are not in use, each alone and, where none
// suffices, together. "training.recompute (3.1 GB)"; "" when nothing does.
std::string what_would_fit(const Arch& arch, const TrainingSizes& sizes, int64_t limit);

std::string memory_amount(int64_t bytes);

}  // namespace posttrain::model
