// Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): W = W0 + alpha / rank * B A, of which A and B are trained.
//
// The kernels always read the merged W, so sampling and training see the same weights as without adapters. The master
// keeps W0. Nothing of W's size is made beside these: the gradients of A and B are sums over rows of what passes
// through them, dA = scale (dy B)^T x and dB = scale dy^T (x A^T).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/params.h"
#include "model/weights.h"
#include "model/workspace.h"

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

  // Leaves the merged weights in the master.
  ~Lora();
  Lora(const Lora&) = delete;
  Lora& operator=(const Lora&) = delete;

  // Adds to the gradients of the adapters of `matrix`, if it has any: x [rows, in] went in, dy [rows, out] came back.
  void accumulate(const Matrix& matrix, int64_t rows, const float* dy, const float* x);
  void zero_gradients();
  // The sum of squares of all gradients.
  double squares() const;
  // One AdamW step, then the merged weights anew.
  void step(const nn::AdamW& settings);
  // Whether the kernels read W0 + scale B A, or W0.
  void use(bool adapters);

  // Everything that training goes on from, and back.
  std::vector<float> state() const;
  size_t state_floats() const { return 3 * count_; }
  void set_state(std::span<const float> state);

  int64_t parameters() const { return static_cast<int64_t>(count_); }
  // adapter_config.json and adapter_model.safetensors, as PEFT reads them.
  void save(const std::filesystem::path& dir) const;

 private:
  struct Adapter {
    const Parameter* parameter;
    size_t a, b;                           // where A [rank, in] and B [out, rank] begin
    std::unique_ptr<nn::Weight> down, up;  // A, and B transposed, as products read them
  };
  std::vector<float> host(const nn::Buffer& buffer) const;
  void accumulate(const Adapter& adapter, int64_t rows, const float* dy, const float* x);
  void add_product(const Adapter& adapter, float* to) const;
  void read_values();

  nn::Backend& backend_;
  Weights& weights_;
  LoraSettings settings_;
  float scale_;
  std::vector<Adapter> adapters_;
  size_t count_ = 0;
  std::vector<float> host_;  // the values
  Workspace workspace_;
  nn::Buffer values_, gradients_, m_, v_;
};

}  // namespace posttrain::model
