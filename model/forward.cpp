#include "model/forward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace posttrain::model {

using nn::Heads;

Pass packed_pass(const TrainBatch& batch) {
  Pass pass;
  pass.rows = batch.rows();
  pass.positions = batch.positions;
  pass.segments = batch.segments;
  pass.read_only = batch.open_rows;
  pass.carried_begin = batch.carried_begin;
  pass.carried_rows = batch.carried_rows;
  return pass;
}

nn::Buffer embedding_noise(nn::Backend& backend, const TrainBatch& batch, int64_t D) {
  if (batch.noise <= 0 || batch.rows() == 0) return {};
  std::vector<float> noise(static_cast<size_t>(batch.rows() * D));
  const Rng rng({batch.noise_key, hash_name("neftune")});
  for (const nn::Segment& segment : batch.segments) {
    const double most = double{batch.noise} / std::sqrt(static_cast<double>(segment.length) * static_cast<double>(D));
    for (int64_t i = segment.begin * D; i < (int64_t{segment.begin} + segment.length) * D; ++i) {
      const double draw = rng.uniform_at(static_cast<uint64_t>(batch.noise_row * D + i));
      noise[static_cast<size_t>(i)] = static_cast<float>(most * (2 * draw - 1));
    }
  }
  nn::Buffer buffer = backend.alloc(noise.size() * sizeof(float));
  backend.to_device(buffer.data(), noise.data(), noise.size() * sizeof(float));
  return buffer;
}

nn::HeadTargets head_targets(const Arch& arch, const TrainBatch& batch) {
  return {batch.target_ids, 1 / batch.temperature, arch.final_softcap, batch.kept_begin, batch.kept_ids};
}

Forward::Forward(nn::Backend& backend, const Arch& arch, const Weights& weights)
    : net_{backend, arch, weights}, rope_(arch), kept_(backend), scratch_(backend), carry_(backend, arch.layers) {}

float* Forward::run(Pass pass, std::span<const int32_t> ids, Keep keep) {
  PT_ASSERT(pass.rows == static_cast<int64_t>(ids.size()) && ids.size() == pass.positions.size(), pass.rows, ids.size(),
            pass.positions.size());
  for (const int32_t id : ids) PT_ASSERT(id >= 0 && id < net_.arch.vocab, id, net_.arch.vocab);
  const int64_t floats = pass.rows * net_.arch.hidden;
  int32_t last_position = 0;
  for (const int32_t position : pass.positions) last_position = std::max(last_position, position);
  rope_.cover(net_.backend, int64_t{last_position} + 1);
  pass.cos = rope_.cos();
  pass.sin = rope_.sin();
  pass_ = pass;
  keep_ = keep;
  kept_.reset();
  scratch_.reset();
  inputs_.clear();
  states_.clear();
  float* h = kept_.take(floats);
  net_.backend.embed(ids, *net_.weights.embedding.weight, net_.arch.embed_scale, h);
  if (pass_.noise != nullptr) {
    std::vector<int32_t> rows(static_cast<size_t>(pass_.rows));
    std::iota(rows.begin(), rows.end(), 0);
    net_.backend.scatter_add_rows(rows, {}, net_.arch.hidden, pass_.noise, h);
  }
  for (int layer = 0; layer < net_.arch.layers; ++layer) {
    float* out = keep == Keep::nothing ? h : kept_.take(floats);
    if (keep != Keep::activations) scratch_.reset();
    const BlockState state = block_forward(net_, pass_, layer, h, out, keep == Keep::activations ? kept_ : scratch_);
    if (keep == Keep::inputs) inputs_.push_back(h);
    if (keep == Keep::activations) states_.push_back(state);
    h = out;
  }
  last_ = h;
  return h;
}

float* Forward::head_input(std::span<const int32_t> rows) {
  const auto n = static_cast<int64_t>(rows.size());
  const int64_t D = net_.arch.hidden;
  gathered_ = kept_.take(n * D);
  inv_rms_ = kept_.take(n);
  float* normalised = kept_.take(n * D);
  const auto view = [&](float* data) { return Heads{data, n, D, 1, static_cast<int>(D)}; };
  net_.backend.gather_rows(rows, D, last_, gathered_);
  net_.backend.rmsnorm(view(gathered_), net_.weights.at(net_.weights.final_norm), net_.arch.norm_offset,
                       net_.arch.norm_eps, view(normalised), inv_rms_);
  return normalised;
}

Pass Forward::trained_part() {
  Pass pass = pass_;
  pass.carry = &carry_;
  if (pass.read_only == 0) return pass;
  pass.rows -= pass.read_only;
  pass.positions = pass.positions.first(static_cast<size_t>(pass.rows));
  PT_ASSERT(pass.segments.back().begin == pass.rows, pass.segments.back().begin, pass.rows);
  pass.segments = pass.segments.first(pass.segments.size() - 1);
  return pass;
}

void Forward::backward(std::span<const int32_t> ids, std::span<const int32_t> rows, const float* d_head_input,
                       Gradients gradients, float* embedding_gradient) {
  PT_ASSERT(keep_ != Keep::nothing);
  const auto n = static_cast<int64_t>(rows.size());
  const int64_t D = net_.arch.hidden, M = pass_.rows;
  const Vector& final_norm = net_.weights.final_norm;
  scratch_.reset();
  // dh lives in kept_: scratch_ is reset for every block.
  float* dh = kept_.take(M * D);
  float* d_gathered = kept_.take(n * D);
  const auto view = [&](float* data) { return Heads{data, n, D, 1, static_cast<int>(D)}; };
  net_.backend.rmsnorm_backward(view(const_cast<float*>(d_head_input)), view(gathered_), net_.weights.at(final_norm),
                                net_.arch.norm_offset, inv_rms_, view(d_gathered), nn::Into::overwrite,
                                gradients.at(final_norm));
  net_.backend.fill(dh, 0, static_cast<size_t>(M * D));
  const Pass pass = trained_part();
  const auto rows_at = [&](int64_t begin, int64_t count) {
    return Heads{dh + begin * D, count, D, 1, static_cast<int>(D)};
  };
  if (pass.carried_rows > 0) carry_.give_hidden(rows_at(pass.carried_begin, pass.carried_rows));
  net_.backend.scatter_add_rows(rows, {}, D, d_gathered, dh);
  if (pass.read_only > 0) carry_.keep_hidden(rows_at(pass.rows, pass.read_only));
  if (pass.rows == 0) {  // answers of one token: they read nothing but the prompt's last hidden state
    const int64_t heads = net_.arch.kv_heads;
    if (pass.carried_rows == 0)
      carry_.keep_zeros(pass.read_only, heads * net_.arch.qk_width(), heads * net_.arch.v_width());
    return;
  }
  for (int layer = net_.arch.layers - 1; layer >= 0; --layer) {
    const auto l = static_cast<size_t>(layer);
    scratch_.reset();
    if (keep_ == Keep::activations) {
      block_backward(net_, pass, layer, states_[l], gradients, dh, scratch_);
      continue;
    }
    float* again = scratch_.take(M * D);
    const BlockState state = block_forward(net_, pass_, layer, inputs_[l], again, scratch_);
    block_backward(net_, pass, layer, state, gradients, dh, scratch_);
  }
  if (embedding_gradient == nullptr) return;
  net_.backend.embed_backward(ids.first(static_cast<size_t>(pass.rows)), D, net_.arch.embed_scale, dh,
                              embedding_gradient);
}

}  // namespace posttrain::model
