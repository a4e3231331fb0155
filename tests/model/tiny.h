// Tiny random models and batches for the tests of this folder.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "model/learner.h"
#include "model/transformer.h"
#include "model/weights.h"

namespace posttrain::model {

inline Arch tiny_arch(bool tied = true) {
  return llama_arch(40, 32, 2, 4, 2, 48, tied);
}

// One small shape per family, every feature of the family on.
inline std::vector<Arch> tiny_families() {
  std::vector<Arch> list;
  list.push_back(tiny_arch());
  Arch llama = tiny_arch(false);
  llama.qkv_bias = llama.o_bias = llama.mlp_bias = true;
  list.push_back(llama);
  Arch qwen2 = tiny_arch(false);
  qwen2.family = "qwen2";
  qwen2.qkv_bias = true;
  qwen2.window = 3;
  qwen2.windowed = {false, true};
  list.push_back(qwen2);
  Arch qwen3 = tiny_arch();
  qwen3.family = "qwen3";
  qwen3.qk_norm = true;
  qwen3.head_dim = qwen3.rotary_dim = 12;
  qwen3.attention_scale = static_cast<float>(1 / std::sqrt(12.0));
  list.push_back(qwen3);
  Arch phi3 = tiny_arch(false);
  phi3.family = "phi3";
  phi3.fused_names = true;
  phi3.rotary_dim = 4;
  phi3.window = 4;
  phi3.windowed = {true, true};
  list.push_back(phi3);
  Arch gemma2 = tiny_arch();
  gemma2.family = "gemma2";
  gemma2.sandwich_norm = true;
  gemma2.norm_offset = 1;
  gemma2.embed_scale = std::sqrt(32.0f);
  gemma2.activation = nn::Activation::gelu_tanh;
  gemma2.attention_softcap = 8;
  gemma2.final_softcap = 6;
  gemma2.window = 4;
  gemma2.windowed = {true, false};
  list.push_back(gemma2);
  Arch moe = qwen3;
  moe.family = "qwen3_moe";
  moe.moe = {.experts = 4, .per_token = 2, .width = 16, .normalize = true, .dense_layers = {0}};
  list.push_back(moe);
  Arch deepseek = tiny_arch(false);
  deepseek.family = "deepseek_v3";
  deepseek.kv_heads = 4;
  deepseek.mla = {.q_rank = 12, .kv_rank = 8, .nope = 6, .rope = 4, .v = 6};
  deepseek.head_dim = deepseek.rotary_dim = 4;
  deepseek.rope_interleaved = true;
  deepseek.attention_scale = static_cast<float>(1 / std::sqrt(10.0));
  deepseek.moe = {.experts = 4,
                  .per_token = 2,
                  .width = 16,
                  .shared_width = 16,
                  .normalize = true,
                  .sigmoid = true,
                  .groups = 2,
                  .top_groups = 1,
                  .scale = 1.5f,
                  .first_dense = 1,
                  .dense_layers = {}};
  list.push_back(deepseek);
  return list;
}

// Random weights, norms and biases too.
inline std::unique_ptr<Transformer> tiny_model(nn::Backend& backend, const Arch& arch, uint64_t seed = 1,
                                               DType stored = DType::f32, nn::Use use = nn::Use::training) {
  auto model = std::make_unique<Transformer>(backend, arch, stored, use);
  model->init_random(seed, {1.0, 1.0, 0.5});
  Rng rng({seed, hash_name("vectors")});
  std::vector<float> values;
  for (const Parameter& p : model->weights().parameters()) {
    if (p.cols > 0) continue;
    values.resize(static_cast<size_t>(p.size()));
    model->weights().read(p, values.data());
    for (float& x : values) x += static_cast<float>(0.2 * rng.normal());
    model->weights().write(p, values.data(), DType::f32);
  }
  return model;
}

inline std::vector<std::vector<int32_t>> random_sequences(const Arch& arch, int count, int shortest, int longest,
                                                          uint64_t seed = 2) {
  Rng rng({seed, hash_name("sequences")});
  std::vector<std::vector<int32_t>> result;
  for (int s = 0; s < count; ++s) {
    result.emplace_back();
    for (int64_t n = rng.integer(shortest, longest); n > 0; --n) {
      result.back().push_back(static_cast<int32_t>(rng.integer(0, arch.vocab - 1)));
    }
  }
  return result;
}

// Appends a sequence whose every row predicts the next token.
inline void append(TrainBatch& batch, const std::vector<int32_t>& sequence) {
  batch.segments.push_back({static_cast<int32_t>(batch.rows()), static_cast<int32_t>(sequence.size())});
  for (size_t t = 0; t < sequence.size(); ++t) {
    if (t + 1 < sequence.size()) {
      batch.target_rows.push_back(static_cast<int32_t>(batch.rows()));
      batch.target_ids.push_back(sequence[t + 1]);
    }
    batch.ids.push_back(sequence[t]);
    batch.positions.push_back(static_cast<int32_t>(t));
  }
}

inline TrainBatch pack(const std::vector<std::vector<int32_t>>& sequences) {
  TrainBatch batch;
  for (const auto& sequence : sequences) append(batch, sequence);
  return batch;
}

// Coefficients that depend on the target token only, so that they are the same however a batch is cut.
inline Coefficients any_coefficients(const TrainBatch& batch) {
  Coefficients c;
  for (const int32_t id : batch.target_ids) {
    c.dlogp.push_back(static_cast<float>(std::sin(id + 1.0)));
    c.dentropy.push_back(static_cast<float>(0.3 * std::cos(id * 2.0)));
  }
  return c;
}

inline std::vector<std::vector<float>> all_gradients(const Transformer& model, const Learner& learner) {
  std::vector<std::vector<float>> result;
  for (const Parameter& p : model.weights().parameters()) {
    if (p.trained) result.push_back(learner.gradient(p.name));
  }
  return result;
}

inline std::vector<std::vector<float>> all_weights(const Transformer& model) {
  std::vector<std::vector<float>> result;
  for (const Parameter& p : model.weights().parameters()) {
    result.emplace_back(static_cast<size_t>(p.size()));
    model.weights().read(p, result.back().data());
  }
  return result;
}

}  // namespace posttrain::model
