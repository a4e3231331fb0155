#include "model/arch.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "model/config.h"

namespace posttrain::model {
namespace {

// ---- what distinguishes a family. `read` fills what the common fields do not say; `write` is its inverse.

void read_llama(const Config& c, Arch& a) {
  a.qkv_bias = a.o_bias = c.flag("attention_bias", false);
  a.mlp_bias = c.flag("mlp_bias", false);
}

void write_llama(const Arch& a, Json& j) {
  j["attention_bias"] = a.qkv_bias;
  j["mlp_bias"] = a.mlp_bias;
}

void read_mistral(const Config& c, Arch& a) {
  a.window = c.has("sliding_window") ? c.integer_or_null("sliding_window") : 4096;
  if (a.window > 0) a.windowed.assign(static_cast<size_t>(a.layers), true);
}

void write_mistral(const Arch& a, Json& j) {
  j["sliding_window"] = a.window > 0 ? Json(a.window) : Json(nullptr);
}

// Qwen: layers from max_window_layers on are windowed, if use_sliding_window says so; layer_types overrides.
void read_qwen_window(const Config& c, Arch& a) {
  if (!c.flag("use_sliding_window", false)) return;
  a.window = c.has("sliding_window") ? c.integer_or_null("sliding_window") : 4096;
  if (a.window <= 0 || c.layer_types(a.layers, a.windowed)) return;
  const int first = c.integer("max_window_layers", 28);
  a.windowed.resize(static_cast<size_t>(a.layers));
  for (int i = 0; i < a.layers; ++i) a.windowed[static_cast<size_t>(i)] = i >= first;
}

void write_qwen_window(const Arch& a, Json& j) {
  j["use_sliding_window"] = a.window > 0;
  j["sliding_window"] = a.window > 0 ? Json(a.window) : Json(nullptr);
  if (a.window == 0) return;
  const auto first = std::find(a.windowed.begin(), a.windowed.end(), true);
  j["max_window_layers"] = first - a.windowed.begin();
  write_layer_types(a, j);
}

void read_qwen2(const Config& c, Arch& a) {
  a.qkv_bias = true;
  read_qwen_window(c, a);
}

void read_qwen3(const Config& c, Arch& a) {
  a.qkv_bias = a.o_bias = c.flag("attention_bias", false);
  a.qk_norm = true;
  read_qwen_window(c, a);
}

void write_qwen3(const Arch& a, Json& j) {
  j["attention_bias"] = a.qkv_bias;
  write_qwen_window(a, j);
}

void read_qwen3_moe(const Config& c, Arch& a) {
  read_qwen3(c, a);
  if (a.window > 0 && !c.has("layer_types")) a.windowed.assign(static_cast<size_t>(a.layers), true);
  a.moe.experts = c.integer(c.has("num_local_experts") ? "num_local_experts" : "num_experts");
  a.moe.per_token = c.integer("num_experts_per_tok");
  a.moe.width = c.integer("moe_intermediate_size");
  a.moe.normalize = c.flag("norm_topk_prob", false);
  a.moe.step = c.integer("decoder_sparse_step", 1);
  a.moe.dense_layers = c.integers("mlp_only_layers");
}

void write_qwen3_moe(const Arch& a, Json& j) {
  write_qwen3(a, j);
  j["num_experts"] = a.moe.experts;
  j["num_local_experts"] = a.moe.experts;
  j["num_experts_per_tok"] = a.moe.per_token;
  j["moe_intermediate_size"] = a.moe.width;
  j["norm_topk_prob"] = a.moe.normalize;
  j["decoder_sparse_step"] = a.moe.step;
  j["mlp_only_layers"] = a.moe.dense_layers;
}

void read_gemma2(const Config& c, Arch& a) {
  a.qkv_bias = a.o_bias = c.flag("attention_bias", false);
  a.sandwich_norm = true;
  a.norm_offset = 1;
  a.embed_scale = static_cast<float>(std::sqrt(static_cast<double>(a.hidden)));
  a.attention_scale = static_cast<float>(1 / std::sqrt(c.number("query_pre_attn_scalar", 256)));
  a.attention_softcap = static_cast<float>(c.number_or_null("attn_logit_softcapping", 50));
  a.final_softcap = static_cast<float>(c.number_or_null("final_logit_softcapping", 30));
  a.window = c.has("sliding_window") ? c.integer_or_null("sliding_window") : 4096;
  if (a.window <= 0 || c.layer_types(a.layers, a.windowed)) return;
  a.windowed.resize(static_cast<size_t>(a.layers));
  for (int i = 0; i < a.layers; ++i) a.windowed[static_cast<size_t>(i)] = i % 2 == 0;
}

void write_gemma2(const Arch& a, Json& j) {
  const double scale = a.attention_scale;
  const auto or_null = [](float x) { return x > 0 ? Json(x) : Json(nullptr); };
  j["attention_bias"] = a.qkv_bias;
  j["hidden_activation"] = "gelu_pytorch_tanh";
  j["query_pre_attn_scalar"] = std::round(1e3 / (scale * scale)) / 1e3;
  j["attn_logit_softcapping"] = or_null(a.attention_softcap);
  j["final_logit_softcapping"] = or_null(a.final_softcap);
  j["sliding_window"] = a.window > 0 ? Json(a.window) : Json(nullptr);
  write_layer_types(a, j);
}

void read_phi3(const Config& c, Arch& a) {
  a.fused_names = true;
  a.window = c.integer_or_null("sliding_window");
  if (a.window > 0) a.windowed.assign(static_cast<size_t>(a.layers), true);
}

void write_phi3(const Arch& a, Json& j) {
  write_mistral(a, j);
  j["original_max_position_embeddings"] = a.max_positions;
  j["partial_rotary_factor"] = static_cast<double>(a.rotary_dim) / a.head_dim;
}

void read_deepseek_v3(const Config& c, Arch& a) {
  a.qkv_bias = a.o_bias = c.flag("attention_bias", false);
  a.mla.q_rank = c.integer_or_null("q_lora_rank");
  a.mla.kv_rank = c.integer("kv_lora_rank");
  a.mla.nope = c.integer("qk_nope_head_dim");
  a.mla.rope = c.integer("qk_rope_head_dim");
  a.mla.v = c.integer("v_head_dim");
  if (a.qkv_bias && a.mla.q_rank == 0) {
    throw Error(c.where(), "attention_bias", "false when q_lora_rank is null", "true");
  }
  a.kv_heads = a.heads;
  a.head_dim = a.rotary_dim = a.mla.rope;
  a.rope_interleaved = c.flag("rope_interleave", true);
  double scale = 1 / std::sqrt(static_cast<double>(a.mla.nope + a.mla.rope));
  if (a.rope.kind == RopeKind::yarn && a.rope.mscale_all_dim > 0 && a.rope.factor > 1) {
    const double mscale = 0.1 * a.rope.mscale_all_dim * std::log(a.rope.factor) + 1;
    scale *= mscale * mscale;
  }
  a.attention_scale = static_cast<float>(scale);
  a.moe.experts = c.integer("n_routed_experts");
  a.moe.per_token = c.integer("num_experts_per_tok");
  a.moe.width = c.integer("moe_intermediate_size");
  a.moe.shared_width = a.moe.width * c.integer("n_shared_experts", 0);
  a.moe.normalize = c.flag("norm_topk_prob", true);
  a.moe.sigmoid = true;
  a.moe.groups = c.integer("n_group", 1);
  a.moe.top_groups = c.integer("topk_group", 1);
  a.moe.scale = static_cast<float>(c.number("routed_scaling_factor", 1));
  a.moe.first_dense = c.integer("first_k_dense_replace", 0);
}

void write_deepseek_v3(const Arch& a, Json& j) {
  j["attention_bias"] = a.qkv_bias;
  j["q_lora_rank"] = a.mla.q_rank > 0 ? Json(a.mla.q_rank) : Json(nullptr);
  j["kv_lora_rank"] = a.mla.kv_rank;
  j["qk_nope_head_dim"] = a.mla.nope;
  j["qk_rope_head_dim"] = a.mla.rope;
  j["v_head_dim"] = a.mla.v;
  j["rope_interleave"] = a.rope_interleaved;
  j["n_routed_experts"] = a.moe.experts;
  j["num_experts_per_tok"] = a.moe.per_token;
  j["moe_intermediate_size"] = a.moe.width;
  j["n_shared_experts"] = a.moe.width > 0 ? a.moe.shared_width / a.moe.width : 0;
  j["norm_topk_prob"] = a.moe.normalize;
  j["n_group"] = a.moe.groups;
  j["topk_group"] = a.moe.top_groups;
  j["routed_scaling_factor"] = a.moe.scale;
  j["first_k_dense_replace"] = a.moe.first_dense;
}

// ---- the families. A new one is a line here (and a reader and a writer above when no existing one fits).
// Defaults are those that transformers takes for a missing field.
const std::vector<Family>& table() {
  static const std::vector<Family> families = {
      // model_type    architecture            tied   head_dim  norm_eps  read              write
      {"llama", "LlamaForCausalLM", false, 0, 1e-6, read_llama, write_llama},
      {"mistral", "MistralForCausalLM", false, 0, 1e-6, read_mistral, write_mistral},
      {"qwen2", "Qwen2ForCausalLM", false, 0, 1e-6, read_qwen2, write_qwen_window},
      {"qwen3", "Qwen3ForCausalLM", false, 128, 1e-6, read_qwen3, write_qwen3},
      {"qwen3_moe", "Qwen3MoeForCausalLM", false, 0, 1e-6, read_qwen3_moe, write_qwen3_moe},
      {"phi3", "Phi3ForCausalLM", false, 0, 1e-5, read_phi3, write_phi3},
      {"gemma2", "Gemma2ForCausalLM", true, 256, 1e-6, read_gemma2, write_gemma2},
      {"deepseek_v3", "DeepseekV3ForCausalLM", false, 0, 1e-6, read_deepseek_v3, write_deepseek_v3},
  };
  return families;
}

}  // namespace

const Family& find_family(const std::string& model_type, const std::string& where) {
  for (const Family& family : table()) {
    if (family.model_type == model_type) return family;
  }
  std::string known;
  for (const Family& family : table()) known += (known.empty() ? "" : ", ") + family.model_type;
  throw Error(where, "model_type", "one of " + known, model_type.empty() ? "nothing" : model_type);
}

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const Family& family : table()) names.push_back(family.model_type);
  return names;
}

bool Arch::sparse(int layer) const {
  if (moe.experts == 0 || layer < moe.first_dense) return false;
  if (std::find(moe.dense_layers.begin(), moe.dense_layers.end(), layer) != moe.dense_layers.end()) return false;
  return (layer + 1) % moe.step == 0;
}

int Arch::qk_width() const {
  return mla.kv_rank > 0 ? mla.nope + mla.rope : head_dim;
}

int Arch::v_width() const {
  return mla.kv_rank > 0 ? mla.v : head_dim;
}

nn::AttentionShape Arch::attention(int layer) const {
  nn::AttentionShape shape{heads, kv_heads, qk_width(), v_width(), attention_scale};
  if (!windowed.empty() && windowed[static_cast<size_t>(layer)]) shape.window = window;
  shape.softcap = attention_softcap;
  return shape;
}

Arch llama_arch(int64_t vocab, int64_t hidden, int layers, int heads, int kv_heads, int64_t mlp, bool tied_head) {
  PT_ASSERT(heads > 0 && hidden % heads == 0 && kv_heads > 0 && heads % kv_heads == 0, hidden, heads, kv_heads);
  Arch a;
  a.vocab = vocab;
  a.hidden = hidden;
  a.layers = layers;
  a.heads = heads;
  a.kv_heads = kv_heads;
  a.mlp = mlp;
  a.tied_head = tied_head;
  a.head_dim = a.rotary_dim = static_cast<int>(hidden / heads);
  a.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(a.head_dim)));
  return a;
}

}  // namespace posttrain::model
