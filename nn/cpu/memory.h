// Aligned memory of the CPU backend: buffers for callers and scratch that grows and is kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/backend.h"

namespace posttrain::nn::cpu {

// Zero-filled, 64-byte aligned, on huge pages where large; throws Failure when there is not enough memory.
Buffer allocate(size_t bytes);

// Scratch for one purpose: the same memory at each call unless it must grow. Its content does not survive a call.
class Arena {
 public:
  float* floats(int64_t count);

 private:
  Buffer buffer_;
};

}  // namespace posttrain::nn::cpu
