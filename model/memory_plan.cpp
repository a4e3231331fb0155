#include "model/memory_plan.h"

#include <algorithm>

#include "base/format.h"
#include "nn/backend.h"

namespace posttrain::model {
namespace {

// What the process holds before any model: code, libraries, store, tokenizer, tables.
constexpr int64_t kProgramBytes = int64_t{40} << 20;

// Floats per row that one layer takes, as block.cpp, latent_attention.cpp and sparse_mlp.cpp do; the residual stream
// behind it is counted by its caller.
int64_t attention_floats(const Arch& a) {
  if (a.mla.kv_rank == 0) {
    const int64_t qkv = int64_t{a.heads + 2 * a.kv_heads} * a.head_dim;
    const int64_t normed = a.qk_norm ? qkv + a.heads + a.kv_heads : 0;
    return qkv + normed + int64_t{a.heads} * a.head_dim + 2 * a.heads;
  }
  const MlaShape& m = a.mla;
  const int64_t q = int64_t{a.heads} * (m.nope + m.rope), q_end = m.q_rank > 0 ? m.q_rank : q;
  const int64_t latent = m.q_rank > 0 ? m.q_rank + 1 + q : 0;
  return q_end + m.kv_rank + m.rope + latent + m.kv_rank + 1 + int64_t{a.heads} * (m.nope + m.v) + q +
         2 * int64_t{a.heads} * m.v + 2 * a.heads;
}

int64_t attention_backward_floats(const Arch& a) {
  const int64_t out = int64_t{a.heads} * a.v_width();
  if (a.mla.kv_rank == 0) return out + int64_t{a.heads + 2 * a.kv_heads} * a.head_dim * (a.qk_norm ? 2 : 1);
  const MlaShape& m = a.mla;
  const int64_t q = int64_t{a.heads} * (m.nope + m.rope), q_end = m.q_rank > 0 ? m.q_rank : q;
  return out + q_end + m.kv_rank + m.rope + 2 * q + out + int64_t{a.heads} * (m.nope + m.v) + m.kv_rank + m.q_rank;
}

int64_t mlp_floats(const Arch& a, int layer) {
  if (!a.sparse(layer)) return 3 * a.mlp;
  return a.moe.experts + a.moe.per_token * (2 * a.hidden + 3 * a.moe.width) + 3 * a.moe.shared_width;
}

int64_t mlp_backward_floats(const Arch& a, int layer) {
  if (!a.sparse(layer)) return 3 * a.mlp;
  return a.moe.experts + a.moe.per_token * (2 * a.hidden + 3 * a.moe.width) + 3 * a.moe.shared_width;
}

int64_t layer_floats(const Arch& a, int layer) {
  return (a.sandwich_norm ? 7 : 3) * a.hidden + 4 + attention_floats(a) + mlp_floats(a, layer);
}

int64_t layer_backward_floats(const Arch& a, int layer) {
  return (a.sandwich_norm ? 3 : 1) * a.hidden + attention_backward_floats(a) + mlp_backward_floats(a, layer);
}

template <class Fn>
int64_t most_of_layers(const Arch& a, const Fn& floats) {
  int64_t most = 0;
  for (int layer = 0; layer < a.layers; ++layer) most = std::max<int64_t>(most, floats(a, layer));
  return most;
}

// The keys and values of one layer, packed anew for attention, a quarter more than needed.
int64_t packed_floats(const Arch& a) {
  return int64_t{a.kv_heads} * (a.qk_width() + a.v_width()) * 5 / 4;
}

int64_t head_floats(const Arch& a) {
  return 2 * a.hidden + 1;  // gathered and normalised
}

int64_t adapter_count(const Arch& a, const LoraSettings& lora) {
  const auto has = [&](const char* name) { return std::ranges::find(lora.targets, name) != lora.targets.end(); };
  const int64_t q = int64_t{a.heads} * a.qk_width(), kv = int64_t{a.kv_heads} * a.qk_width();
  int64_t ends = 0;  // in + out of all targets of a layer
  if (has("q_proj")) ends += a.hidden + q;
  if (has("k_proj")) ends += a.hidden + kv;
  if (has("v_proj")) ends += a.hidden + int64_t{a.kv_heads} * a.v_width();
  if (has("o_proj")) ends += a.hidden + int64_t{a.heads} * a.v_width();
  const int64_t experts = a.moe.experts > 0 ? a.moe.experts : 1, width = a.moe.experts > 0 ? a.moe.width : a.mlp;
  for (const char* name : {"gate_proj", "up_proj", "down_proj"}) {
    if (has(name)) ends += experts * (a.hidden + width);
  }
  return a.layers * ends * lora.rank;
}

}  // namespace

std::string memory_amount(int64_t bytes) {
  const auto b = static_cast<double>(bytes);
  return b < 1e9 ? formatted("%.1f MB", b / 1e6) : formatted("%.1f GB", b / 1e9);
}

int64_t parameter_count(const Arch& a) {
  int64_t attention = int64_t{a.heads + a.kv_heads} * (a.qk_width() + a.v_width()) * a.hidden;
  if (a.mla.kv_rank > 0) {
    const MlaShape& m = a.mla;
    const int64_t q = int64_t{a.heads} * (m.nope + m.rope);
    attention = (m.q_rank > 0 ? m.q_rank * (a.hidden + q) : q * a.hidden) + (m.kv_rank + m.rope) * a.hidden +
                m.kv_rank * int64_t{a.heads} * (m.nope + m.v) + int64_t{a.heads} * m.v * a.hidden;
  }
  int64_t count = a.vocab * a.hidden * (a.tied_head ? 1 : 2);
  for (int layer = 0; layer < a.layers; ++layer) {
    const int64_t width = a.sparse(layer) ? a.moe.experts * a.moe.width + a.moe.shared_width : a.mlp;
    count += attention + 3 * width * a.hidden + (a.sparse(layer) ? a.moe.experts * a.hidden : 0);
  }
  return count;
}

int64_t scoring_bytes_per_row(const Arch& a) {
  return 4 * (a.hidden + most_of_layers(a, layer_floats) + head_floats(a) + packed_floats(a) / 2);
}

int64_t activation_bytes_per_row(const Arch& a, bool recompute) {
  // The embedding, every layer's output; in the head and behind it three gradients of the stream.
  int64_t floats = a.hidden * (1 + a.layers) + head_floats(a) + 3 * a.hidden + packed_floats(a);
  const int64_t backward = most_of_layers(a, layer_backward_floats);
  if (recompute) return 4 * (floats + a.hidden + most_of_layers(a, layer_floats) + backward);
  for (int layer = 0; layer < a.layers; ++layer) floats += layer_floats(a, layer);
  return 4 * (floats + backward);
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
  const auto& optimizer = sizes.optimizer;
  const int64_t trained = optimizer.lora ? adapter_count(arch, *optimizer.lora) : count;
  const int64_t unread = arch.tied_head ? 0 : arch.vocab * arch.hidden;  // an embedding has no layout for dX
  MemoryPlan plan;
  plan.program = kProgramBytes + sizes.data_bytes;
  plan.weights = (4 + 2 * width) * count - width * unread;
  plan.weights += 4 * arch.vocab * arch.hidden;  // the largest tensor once more while the weights are saved
  plan.gradients = 4 * (trained + (optimizer.lora ? 0 : table));
  // Adapters are kept four times: as they are, on the host, and in two layouts.
  plan.optimizer = optimizer.lora
                       ? 4 * 6 * trained
                       : 2 * static_cast<int64_t>(nn::moment_bytes(optimizer.moments, static_cast<size_t>(trained)));
  plan.reference = sizes.others * width * count;
  plan.activations = sizes.rows * activation_bytes_per_row(arch, optimizer.recompute) +
                     sizes.scored_rows * scoring_bytes_per_row(arch);
  plan.cache = sizes.cache_blocks * cache_bytes_per_block(arch);
  return plan;
}

int64_t MemoryPlan::total() const {
  return program + weights + gradients + optimizer + reference + activations + cache;
}

std::pair<const char*, int64_t> MemoryPlan::largest() const {
  std::pair<const char*, int64_t> most = {"weights", weights};
  for (const auto& part : {std::pair<const char*, int64_t>{"gradients", gradients},
                           {"optimizer", optimizer},
                           {"reference", reference},
                           {"activations", activations},
                           {"key/value cache", cache}}) {
    if (part.second > most.second) most = part;
  }
  return most;
}

std::string MemoryPlan::text() const {
  std::string out = "weights " + memory_amount(weights) + ", gradients " + memory_amount(gradients) + ", optimizer " +
                    memory_amount(optimizer);
  if (reference > 0) out += ", reference " + memory_amount(reference);
  out += ", activations " + memory_amount(activations);
  if (cache > 0) out += ", key/value cache " + memory_amount(cache);
  return out + ", program " + memory_amount(program) + "; " + memory_amount(total()) + " in all";
}

std::string what_would_fit(const Arch& arch, const TrainingSizes& sizes, int64_t limit) {
  struct Saving {
    const char* name;
    void (*apply)(TrainingSizes&);
    bool used;
  };
  const Saving savings[] = {
      {"training.recompute", [](TrainingSizes& s) { s.optimizer.recompute = true; }, sizes.optimizer.recompute},
      {"training.optimizer_state 8bit", [](TrainingSizes& s) { s.optimizer.moments = nn::MomentType::e8; },
       sizes.optimizer.moments == nn::MomentType::e8 || sizes.optimizer.lora.has_value()},
      {"model.dtype bf16", [](TrainingSizes& s) { s.stored = DType::bf16; }, sizes.stored == DType::bf16},
      {"micro_batch_tokens 256", [](TrainingSizes& s) { s.rows = std::min<int64_t>(s.rows, 256); }, sizes.rows <= 256},
      {"training.lora",
       [](TrainingSizes& s) {
         s.optimizer.lora = LoraSettings();
         s.others = 0;
       },
       sizes.optimizer.lora.has_value()},
  };
  std::string alone, together;
  TrainingSizes all = sizes;
  for (const Saving& saving : savings) {
    if (saving.used) continue;
    TrainingSizes one = sizes;
    saving.apply(one);
    const int64_t bytes = plan_training(arch, one).total();
    if (bytes <= limit)
      alone += (alone.empty() ? "" : ", or ") + std::string(saving.name) + " (" + memory_amount(bytes) + ")";
    if (plan_training(arch, all).total() <= limit) continue;
    saving.apply(all);
    together += (together.empty() ? "" : " + ") + std::string(saving.name);
  }
  if (!alone.empty()) return alone;
  const int64_t bytes = plan_training(arch, all).total();
  return bytes <= limit ? together + " (" + memory_amount(bytes) + ")" : "";
}

}  // namespace posttrain::model
