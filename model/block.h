// One transformer block, forward and backward side by side. Training, scoring and decoding all run this forward; they
// differ only in where attention finds its keys and values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/arch.h"
#include "model/moe.h"
#include "model/prompt_carry.h"
#include "model/weights.h"
#include "model/workspace.h"
#include "nn/backend.h"

namespace posttrain::model {

struct Net {
  nn::Backend& backend;
  const Arch& arch;
  const Weights& weights;
};

// M rows on their way through all blocks: a packed batch, or rows over a paged cache (pool set).
struct Pass {
  int64_t rows = 0;
  std::span<const int32_t> positions;
  const float *cos = nullptr, *sin = nullptr;
  std::span<const nn::Segment> segments;
  nn::KvPool* pool = nullptr;
  std::span<const int32_t> slots;
  nn::PagedRows paged;
  const float* noise = nullptr;  // [rows, D], added to the embeddings
  // A backward over the first `rows` of a forward's rows: the read_only rows behind them are a prompt that is read here
  // and trained later, the carried rows one that was read before (see TrainBatch and PromptCarry).
  int64_t read_only = 0, carried_begin = 0, carried_rows = 0;
  PromptCarry* carry = nullptr;
};

// Latent attention keeps these besides.
struct LatentState {
  float *q_latent = nullptr, *q_inv_rms = nullptr, *kv_latent = nullptr, *kv_inv_rms = nullptr;
  nn::Heads q{}, k{}, v{};
};

// A sparse MLP keeps these; gate_up and gated of BlockState are then those of the shared expert.
struct SparseState {
  Routing routing;
  float *gathered = nullptr, *gate_up = nullptr, *gated = nullptr, *down = nullptr;  // one row per visit
};

class Lora;

// Where a backward puts the gradients of weights: the whole arena (see weights.h), or the adapters of some matrices.
struct Gradients {
  float* arena = nullptr;
  Lora* lora = nullptr;

  // Null where the weight is not trained.
  float* at(const Matrix& matrix) const { return arena ? arena + matrix.offset : nullptr; }
  float* at(const Vector& vector) const { return arena && vector ? arena + vector.offset : nullptr; }
};

// What one forward leaves for its backward; memory of the workspace it was given.
struct BlockState {
  const float* x = nullptr;                    // [M, D] the block's input
  float *norm = nullptr, *inv_rms = nullptr;   // before attention
  float *projected = nullptr, *qkv = nullptr;  // qkv before and after q/k norm (else the same)
  float *q_inv_rms = nullptr, *k_inv_rms = nullptr;
  float *attention = nullptr, *stats = nullptr;             // [M, H v_width]
  float *attention_out = nullptr, *post_inv_rms = nullptr;  // before the norm that follows, if there is one
  float* mid = nullptr;                                     // [M, D] x + attention
  float *mlp_norm = nullptr, *mlp_inv_rms = nullptr;
  float *gate_up = nullptr, *gated = nullptr;  // [M, 2F], [M, F]
  float *mlp_out = nullptr, *mlp_post_inv_rms = nullptr;
  LatentState latent;
  SparseState sparse;
};

// out = block(x), both [rows, D]; they may be the same when no backward follows.
BlockState block_forward(const Net& net, const Pass& pass, int layer, const float* x, float* out, Workspace& workspace);

// dh [rows, D] holds d loss / d out and becomes d loss / d x; gradients of the weights are added to.
void block_backward(const Net& net, const Pass& pass, int layer, const BlockState& state, Gradients gradients,
                    float* dh, Workspace& workspace);

}  // namespace posttrain::model
