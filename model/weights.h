// The parameters of a transformer: their checkpoint names, where each lies in the flat arenas, and the fused weights
// that the backend multiplies with.
//
// An arena holds all floats of the model once: first every matrix, then every vector (norms, biases), then what is
// never trained. The master weights, the gradients and both moments of AdamW are four arenas of one layout.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/arch.h"
#include "nn/backend.h"

namespace posttrain::model {

// One product: q|k|v or gate|up of a checkpoint lie below each other in one matrix [out, in]. out == 0: absent.
struct Matrix {
  int64_t out = 0, in = 0;
  size_t offset = 0;
  std::unique_ptr<nn::Weight> weight;
  explicit operator bool() const { return out > 0; }
};

// size == 0: absent.
struct Vector {
  int64_t size = 0;
  size_t offset = 0;
  explicit operator bool() const { return size > 0; }
};

struct Mlp {
  Matrix gate_up, down;  // [2 width, D], [D, width]
  Vector gate_up_bias, down_bias;
};

struct Layer {
  Vector attention_norm, attention_post_norm, mlp_norm, mlp_post_norm;
  Matrix qkv, o;  // with latent attention qkv is [q_a | kv_a] (or [q | kv_a]) and the second step is q_b, kv_b
  Vector qkv_bias, o_bias, q_norm, k_norm;
  Matrix q_b, kv_b;
  Vector q_a_norm, kv_a_norm;
  Mlp mlp;  // dense layers
  Matrix router;
  Vector router_bias;  // of the choice only; not trained by gradients
  std::vector<Mlp> experts;
  Mlp shared;
};

// A tensor as checkpoints name it: rows [first_row, first_row + rows) of a matrix, or a vector (cols == 0).
struct Parameter {
  std::string name;
  int64_t rows = 0, cols = 0;
  size_t offset = 0;
  Matrix* matrix = nullptr;
  int64_t first_row = 0;
  bool trained = true;

  int64_t size() const { return cols == 0 ? rows : rows * cols; }
};

class Weights {
 public:
  // Names, shapes and places only; no memory yet.
  Weights(nn::Backend& backend, const Arch& arch, DType stored, nn::Use use);
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  // Makes the arena and the fused weights, all zero. Once.
  void allocate();

  Matrix embedding, head;  // head is absent when tied
  Vector final_norm;
  std::vector<Layer> layers;

  const Matrix& head_matrix() const { return head ? head : embedding; }
  DType stored() const { return stored_; }
  nn::Use use() const { return use_; }

  // In checkpoint order; known before allocate().
  const std::vector<Parameter>& parameters() const { return parameters_; }
  int64_t count() const;

  size_t matrix_floats() const { return matrix_floats_; }    // the arena's part that weight decay acts on
  size_t trained_floats() const { return trained_floats_; }  // matrices and vectors
  size_t all_floats() const { return all_floats_; }
  float* master() const;  // training only: the arena of weights

  // Backend memory of a vector; null when absent.
  float* at(const Vector& vector) const;

  // `from`: host, row-major, parameter.size() values of `type`.
  void write(const Parameter& parameter, const void* from, DType type);
  // The values in full precision: the master's where there is one, else the stored ones.
  void read(const Parameter& parameter, float* to) const;

  // After the master has changed: rounds and packs every matrix again.
  void refresh();

  // What read() adds to a matrix of the master, host: adapters that the master leaves out. Null: nothing.
  void set_overlay(std::function<void(const Parameter&, float*)> overlay) { overlay_ = std::move(overlay); }

 private:
  struct Layout;

  nn::Backend& backend_;
  DType stored_;
  nn::Use use_;
  std::vector<Parameter> parameters_;
  std::vector<Matrix*> matrices_;
  size_t matrix_floats_ = 0, trained_floats_ = 0, all_floats_ = 0;
  size_t arena_begin_ = 0;  // inference keeps the vectors only
  nn::Buffer arena_;
  std::function<void(const Parameter&, float*)> overlay_;
};

}  // namespace posttrain::model
