// Aligned memory of the CPU backend: buffers for callers and scratch that grows and is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "nn/backend.h"

namespace posttrain::nn::cpu {

// Zero-filled, 64-byte aligned, on huge pages where large; throws Failure when there is not enough memory.
Buffer allocate(size_t bytes);

// Hands out buffers side by side on huge pages, for what stays: a weight of 1.3 MB in a mapping of its own would lie on
// small pages, which costs a fifth of the bandwidth. A block goes back when the last of its buffers does. For one
// thread.
class HugePages {
 public:
  Buffer take(size_t bytes);  // as allocate()

 private:
  std::shared_ptr<Buffer> block_;
  size_t used_ = 0;
};

// Scratch for one purpose: the same memory at each call unless it must grow. Its content does not survive a call.
class Arena {
 public:
  float* floats(int64_t count);

 private:
  Buffer buffer_;
};

}  // namespace posttrain::nn::cpu
