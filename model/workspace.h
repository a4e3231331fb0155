// Scratch memory for activations: taken piece by piece, given back all at once, allocated anew only when a pass needs
// more than any pass before it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nn/backend.h"

namespace posttrain::model {

class Workspace {
 public:
  explicit Workspace(nn::Backend& backend) : backend_(backend) {}

  // Everything taken before is dead. Several pieces become one of their sum, so that the next pass needs only that.
  void reset() {
    if (pieces_.size() > 1) {
      size_t total = 0;
      for (const Piece& piece : pieces_) total += piece.floats;
      pieces_.clear();
      add(total);
    }
    used_ = 0;
  }

  // Uninitialised, 64-byte aligned, valid until reset().
  float* take(int64_t floats) {
    const size_t n = (static_cast<size_t>(floats) + 15) / 16 * 16;
    if (pieces_.empty() || used_ + n > pieces_.back().floats) add(std::max(n, smallest));
    float* result = pieces_.back().buffer.f32() + used_;
    used_ += n;
    return result;
  }

  size_t bytes() const {
    size_t total = 0;
    for (const Piece& piece : pieces_) total += piece.floats * sizeof(float);
    return total;
  }

 private:
  static constexpr size_t smallest = size_t{1} << 16;
  struct Piece {
    nn::Buffer buffer;
    size_t floats;
  };
  void add(size_t floats) {
    pieces_.push_back({backend_.alloc(floats * sizeof(float)), floats});
    used_ = 0;
  }

  nn::Backend& backend_;
  std::vector<Piece> pieces_;
  size_t used_ = 0;
};

}  // namespace posttrain::model
