// A decoder-only transformer: weights on a backend, and its two uses, scoring packed batches and decoding over a paged
// cache. Both run the same block over the same weights (block.h), so their log-probabilities agree bit for bit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "model/arch.h"
#include "model/batch.h"
#include "nn/backend.h"

namespace posttrain::model {

class Weights;

// Random weights: matrices N(0, gain / sqrt(fan_in)), the two that write to the residual stream divided by
// sqrt(2 layers) more, the head multiplied by `head`; embeddings N(0, embedding). Norms 1, biases 0.
struct InitSettings {
  double gain = 0.7, head = 0.5, embedding = 0.3;
};

struct SaveOptions {
  DType dtype = DType::f32;              // f32 or bf16
  uint64_t shard_bytes = 5'000'000'000;  // above this the weights go to several files with an index
  // Called with the unfinished folder: whatever it adds (tokenizer.json, ...) appears together with the weights.
  std::function<void(const std::filesystem::path&)> add_files = {};
};

// Not thread-safe: one call at a time. The backend must outlive it.
class Transformer {
 public:
  // Weights are zero until init_random, load or copy_weights_from. With Use::training there is a float32 master copy
  // in one arena, which a Learner updates; with Use::inference the stored weights are the only copy.
  Transformer(nn::Backend& backend, Arch arch, DType stored, nn::Use use);
  ~Transformer();

  // From a Hugging Face model directory, or from one GGUF file. Throws Error naming file and tensor for anything
  // missing or misshapen.
  static std::unique_ptr<Transformer> load(nn::Backend& backend, const std::filesystem::path& path, DType stored,
                                           nn::Use use);

  void init_random(uint64_t seed, const InitSettings& settings);
  // Same architecture required; dtype and use may differ. Values are rounded to this model's stored type.
  void copy_weights_from(const Transformer& other);
  // The same with share * other + (1 - share) * own.
  void blend_weights_from(const Transformer& other, double share);

  // Writes a Hugging Face model directory (config.json, generation_config.json, safetensors). It appears whole or not
  // at all; a model that was there before is replaced. Throws Failure when the disk is full.
  void save(const std::filesystem::path& dir, const SaveOptions& options) const;

  const Arch& arch() const;
  nn::Backend& backend() const;
  int64_t parameters() const;

  std::unique_ptr<nn::KvPool> make_kv_pool(int64_t blocks) const;

  // Runs the rows, writes their keys and values into the pool, and samples the rows that ask for it.
  nn::Sampled decode(nn::KvPool& pool, const DecodeBatch& batch);

  // Log-probabilities and entropies of the batch's targets; keeps no activations.
  Scores score(const TrainBatch& batch);

  // This model as the teacher of the batch's target rows; valid until it is used again.
  nn::TeacherRows teacher_rows(const TrainBatch& batch);
  // The k likeliest next tokens of every target row at the batch's temperature.
  nn::Likeliest likeliest(const TrainBatch& batch, int64_t k);

  // Logits [targets, vocab] after soft-capping, on the host: for parity checks and tests only.
  std::vector<float> logits(const TrainBatch& batch);

  Weights& weights();
  const Weights& weights() const;

 private:
  struct State;
  explicit Transformer(std::unique_ptr<State> state);
  static std::unique_ptr<Transformer> load_gguf(nn::Backend& backend, const std::filesystem::path& file, DType stored,
                                                nn::Use use);
  std::unique_ptr<State> state_;
};

}  // namespace posttrain::model
