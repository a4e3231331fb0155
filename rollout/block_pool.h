// Who holds which block of the key/value cache: reference counts, so that a group shares its prompt.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "nn/backend.h"

namespace posttrain::rollout {

// Blocks that hold this many positions.
inline int64_t blocks_for(int64_t positions) {
  return (positions + nn::KvPool::block - 1) / nn::KvPool::block;
}

// Block ids 0 .. count - 1. Not thread-safe: the engine's thread owns it.
class BlockPool {
 public:
  explicit BlockPool(int32_t count) : references_(static_cast<size_t>(count), 0) {
    for (int32_t block = count - 1; block >= 0; --block) free_.push_back(block);
  }

  int32_t available() const { return static_cast<int32_t>(free_.size()); }
  int32_t count() const { return static_cast<int32_t>(references_.size()); }

  // A block with one reference. The caller checks available() first.
  int32_t take() {
    PT_ASSERT(!free_.empty(), count());
    const int32_t block = free_.back();
    free_.pop_back();
    references_[static_cast<size_t>(block)] = 1;
    return block;
  }
  void share(int32_t block) {
    PT_ASSERT(references_[static_cast<size_t>(block)] > 0, block);
    ++references_[static_cast<size_t>(block)];
  }
  void release(int32_t block) {
    int32_t& references = references_[static_cast<size_t>(block)];
    PT_ASSERT(references > 0, block);
    if (--references == 0) free_.push_back(block);
  }

 private:
  std::vector<int32_t> references_, free_;
};

}  // namespace posttrain::rollout
