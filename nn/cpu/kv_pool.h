// The paged cache in memory: [layer][block][kv head][K transposed, width x 32 | V, 32 x width].
#pragma once

#include "nn/cpu/memory.h"

namespace posttrain::nn::cpu {

class CpuKvPool : public KvPool {
 public:
  CpuKvPool(int layer_count, int heads, int qk, int v, int64_t block_count) {
    layers = layer_count;
    kv_heads = heads;
    qk_width = qk;
    v_width = v;
    blocks = block_count;
    data_ = allocate(static_cast<size_t>(layers * blocks * block_floats()) * sizeof(float));
  }

  int64_t head_floats() const { return int64_t{block} * (qk_width + v_width); }
  int64_t block_floats() const { return kv_heads * head_floats(); }
  float* keys(int layer, int64_t id, int head) const {
    return data_.f32() + (layer * blocks + id) * block_floats() + head * head_floats();
  }
  float* values(int layer, int64_t id, int head) const { return keys(layer, id, head) + block * qk_width; }

 private:
  Buffer data_;
};

}  // namespace posttrain::nn::cpu
