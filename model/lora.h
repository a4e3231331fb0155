// Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): W = W0 + alpha / rank * B A, of which A and B are trained.
//
// The kernels always read the merged W, so sampling and training see the same weights as without adapters; the
// gradients of A and B are projections of W's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/params.h"
#include "model/weights.h"

namespace posttrain::model {

struct LoraSettings {
  int64_t rank = 16;
  double alpha = 32;
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

  void visit(Visitor& v);
};

// The adapters of one model's matrices, with their gradients and moments. Weights and backend must outlive it.
class Lora {
 public:
  // A uniform in +-1/sqrt(in), B zero: the merged weights are the model's own. Throws Error when no matrix is a target.
  Lora(nn::Backend& backend, Weights& weights, const LoraSettings& settings);

  // Gradients of A and B from those of the merged weights, an arena; returns the sum of their squares.
  double project(const float* gradients);
  // One AdamW step, then the merged weights anew (master only: refresh() is the caller's).
  void step(const nn::AdamW& settings);

  // Everything that training goes on from, and back.
  std::vector<float> state() const;
  size_t state_floats() const { return 3 * count_ + base_.size(); }
  void set_state(std::span<const float> state);

  int64_t parameters() const { return static_cast<int64_t>(count_); }
  // adapter_config.json and adapter_model.safetensors, as PEFT reads them.
  void save(const std::filesystem::path& dir) const;

 private:
  struct Adapter {
    const Parameter* parameter;
    size_t a, b, base;  // where A [rank, in], B [out, rank] and W0 [out, in] begin
  };
  std::vector<float> host(const nn::Buffer& buffer) const;
  void merge();

  nn::Backend& backend_;
  Weights& weights_;
  LoraSettings settings_;
  float scale_;
  std::vector<Adapter> adapters_;
  size_t count_ = 0;
  std::vector<float> base_;
  nn::Buffer values_, gradients_, m_, v_;
};

}  // namespace posttrain::model
