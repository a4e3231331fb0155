// Rows through embedding and blocks, and the choice of what is kept for a backward. Internal to model/.
#pragma once

#include <vector>

#include "model/block.h"
#include "model/rope.h"
#include "model/transformer.h"

namespace posttrain::model {

enum class Keep : uint8_t {
  nothing,      // scoring and decoding
  inputs,       // every block's input; the backward computes the rest again
  activations,  // everything
};

// Runs one pass at a time and owns the memory it needs.
class Forward {
 public:
  Forward(nn::Backend& backend, const Arch& arch, const Weights& weights);

  // The residual stream [rows, D] after the last block; valid until the next run.
  float* run(Pass pass, std::span<const int32_t> ids, Keep keep);
  // The hidden states that the head reads, [rows.size(), D]: the named rows of the last run, normalised.
  float* head_input(std::span<const int32_t> rows);

  // After run() with something kept and head_input(): takes d loss / d head input [n, D] down to the embedding.
  // The embedding's own gradient goes to `embedding_gradient`, which may be a part of `gradients`, or null.
  void backward(std::span<const int32_t> ids, std::span<const int32_t> rows, const float* d_head_input,
                Gradients gradients, float* embedding_gradient);

 private:
  // The last run's pass without an open prompt's rows.
  Pass trained_part();

  Net net_;
  RopeTables rope_;
  Workspace kept_, scratch_;
  PromptCarry carry_;
  Pass pass_;
  Keep keep_ = Keep::nothing;
  std::vector<const float*> inputs_;
  std::vector<BlockState> states_;
  float *last_ = nullptr, *gathered_ = nullptr, *inv_rms_ = nullptr;
};

Pass packed_pass(const TrainBatch& batch);
// The batch's embedding noise [rows, D]; empty when it has none.
nn::Buffer embedding_noise(nn::Backend& backend, const TrainBatch& batch, int64_t D);
nn::HeadTargets head_targets(const Arch& arch, const TrainBatch& batch);

}  // namespace posttrain::model
