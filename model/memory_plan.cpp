#include "model/memory_plan.h"

#include <cstdio>

#include "nn/backend.h"

namespace posttrain::model {
namespace {

std::string amount(int64_t bytes) {
  char text[32];
  const auto b = static_cast<double>(bytes);
  if (b < 1e9) {
    std::snprintf(text, sizeof text, "%.1f MB", b / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.1f GB", b / 1e9);
  }
  return text;
}

}  // namespace

int64_t parameter_count(const Arch& a) {
  const int64_t attention = int64_t{a.heads + a.kv_heads} * a.qk_width() + int64_t{a.heads + a.kv_heads} * a.v_width();
  const int64_t experts = a.moe.experts > 0 ? a.moe.experts * a.moe.width + a.moe.shared_width : a.mlp;
  return a.layers * (attention * a.hidden + 3 * experts * a.hidden) + a.vocab * a.hidden * (a.tied_head ? 1 : 2);
}

int64_t activation_bytes_per_row(const Arch& a) {
  // Block input, two norms, q k v and the attention's output, the MLP's three widths, softmax statistics; the
  // backward's own buffers are shared between layers and count once more for one layer.
  const int64_t attention = int64_t{a.heads + 2 * a.kv_heads} * a.qk_width() + int64_t{a.heads} * (a.v_width() + 2);
  const int64_t layer = 4 * a.hidden + attention + 3 * a.mlp;
  return 4 * layer * (a.layers + 2);
}

int64_t cache_bytes_per_block(const Arch& a) {
  return int64_t{4} * nn::KvPool::block * a.layers * a.kv_heads * (a.qk_width() + a.v_width());
}

MemoryPlan plan_training(const Arch& arch, int64_t rows, int64_t cache_blocks, bool reference) {
  const int64_t bytes = 4 * parameter_count(arch);
  return {.weights = 3 * bytes,
          .gradients = bytes,
          .optimizer = 2 * bytes,
          .reference = reference ? bytes : 0,
          .activations = rows * activation_bytes_per_row(arch),
          .cache = cache_blocks * cache_bytes_per_block(arch)};
}

std::string MemoryPlan::text() const {
  std::string out =
      "weights " + amount(weights) + ", gradients " + amount(gradients) + ", optimizer " + amount(optimizer);
  if (reference > 0) out += ", reference " + amount(reference);
  out += ", activations " + amount(activations);
  if (cache > 0) out += ", key/value cache " + amount(cache);
  return out + "; " + amount(total()) + " in all";
}

}  // namespace posttrain::model
