// Tables of cosines and sines for the rotary embedding, grown as longer positions are met.
#pragma once

#include <cstdint>
#include <vector>

#include "model/arch.h"
#include "nn/backend.h"

namespace posttrain::model {

class RopeTables {
 public:
  explicit RopeTables(const Arch& arch);

  // Makes the tables cover positions 0 .. count - 1. An entry depends on its position only.
  void cover(nn::Backend& backend, int64_t count);
  const float* cos() const { return cos_.f32(); }  // [covered positions, pairs]
  const float* sin() const { return sin_.f32(); }
  int pairs() const { return static_cast<int>(frequencies_.size()); }

 private:
  std::vector<float> frequencies_;  // radians per position
  double magnitude_ = 1;            // YaRN multiplies both by it
  int64_t covered_ = 0;
  nn::Buffer cos_, sin_;
};

}  // namespace posttrain::model
