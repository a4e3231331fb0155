#include "model/memory_plan.h"

#include <algorithm>

#include "base/format.h"
#include "nn/backend.h"

namespace posttrain::model {
namespace {

std::string amount(int64_t bytes) {
  const auto b = static_cast<double>(bytes);
  return b < 1e9 ? formatted("%.1f MB", b / 1e6) : formatted("%.1f GB", b / 1e9);
}

}  // namespace

int64_t parameter_count(const Arch& a) {
  const int64_t attention = int64_t{a.heads + a.kv_heads} * a.qk_width() + int64_t{a.heads + a.kv_heads} * a.v_width();
  const int64_t experts = a.moe.experts > 0 ? a.moe.experts * a.moe.width + a.moe.shared_width : a.mlp;
  return a.layers * (attention * a.hidden + 3 * experts * a.hidden) + a.vocab * a.hidden * (a.tied_head ? 1 : 2);
}

int64_t activation_bytes_per_row(const Arch& a, bool recompute) {
  // Block input, two norms, q k v and the attention's output, the MLP's three widths, softmax statistics; the
  // backward's own buffers are shared between layers and count once more for one layer.
  const int64_t attention = int64_t{a.heads + 2 * a.kv_heads} * a.qk_width() + int64_t{a.heads} * (a.v_width() + 2);
  const int64_t layer = 4 * a.hidden + attention + 3 * a.mlp;
  return 4 * (recompute ? a.layers * a.hidden + 3 * layer : layer * (a.layers + 2));
}

int64_t default_micro_batch_rows(const Arch& arch, bool recompute) {
  return std::clamp<int64_t>((int64_t{2} << 30) / activation_bytes_per_row(arch, recompute), 256, 4096);
}

int64_t cache_bytes_per_block(const Arch& a) {
  return int64_t{4} * nn::KvPool::block * a.layers * a.kv_heads * (a.qk_width() + a.v_width());
}

MemoryPlan plan_training(const Arch& arch, const TrainingSizes& sizes) {
  const int64_t count = parameter_count(arch), width = sizes.stored == DType::bf16 ? 2 : 4;
  const int64_t table = arch.tied_head ? arch.vocab * arch.hidden : 0;  // a tied table has two gradients
  const int64_t moments =
      2 * static_cast<int64_t>(nn::moment_bytes(sizes.optimizer.moments, static_cast<size_t>(count)));
  // Adapters keep the matrices as they were, and little else.
  const int64_t matrices = 4 * (count - arch.vocab * arch.hidden * (arch.tied_head ? 1 : 2));
  return {.weights = (4 + 2 * width) * count,
          .gradients = 4 * (count + table),
          .optimizer = sizes.optimizer.lora ? matrices : moments,
          .reference = sizes.reference ? width * count : 0,
          .activations = sizes.rows * activation_bytes_per_row(arch, sizes.optimizer.recompute),
          .cache = sizes.cache_blocks * cache_bytes_per_block(arch)};
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
