#include "model/gguf_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "model/weights.h"

namespace posttrain::model {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 3> top_names = {{
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
}};
constexpr std::array<std::pair<const char*, const char*>, 11> layer_names = {{
    {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
}};

[[noreturn]] void bad(const GgufHeader& h, const std::string& key, const std::string& expected,
                      const std::string& got) {
  throw Error(h.where, key, expected, got);
}

int bounded(const GgufHeader& h, const std::string& key, int64_t value, int64_t most) {
  if (value < 1 || value > most) bad(h, key, "1 to " + std::to_string(most), std::to_string(value));
  return static_cast<int>(value);
}

void read_rope(const GgufHeader& h, const std::string& prefix, Arch& a) {
  a.rope_theta = h.number(prefix + "rope.freq_base", 10000);
  a.rotary_dim =
      bounded(h, prefix + "rope.dimension_count", h.integer(prefix + "rope.dimension_count", a.head_dim), a.head_dim);
  const std::string type = h.has(prefix + "rope.scaling.type") ? h.text(prefix + "rope.scaling.type") : "none";
  if (type != "none") {
    if (type != "linear" && type != "yarn") bad(h, prefix + "rope.scaling.type", "none, linear or yarn", type);
    a.rope.kind = type == "linear" ? RopeKind::linear : RopeKind::yarn;
    a.rope.factor = h.number(prefix + "rope.scaling.factor");
    a.rope.original_max_positions =
        static_cast<int>(h.integer(prefix + "rope.scaling.original_context_length", a.max_positions));
  }
}

// Llama 3.x: the file holds the quotients of the frequencies; they must be those of the known formula.
void read_rope_factors(const GgufHeader& h, const std::vector<float>& factors, Arch& a) {
  a.rope.kind = RopeKind::llama3;
  a.rope.factor = factors.back();
  a.rope.low_freq_factor = 1;
  a.rope.high_freq_factor = 4;
  a.rope.original_max_positions = 8192;
  for (size_t i = 0; i < factors.size(); ++i) {
    const double frequency = std::pow(a.rope_theta, -2.0 * static_cast<double>(i) / a.rotary_dim);
    const double turns = a.rope.original_max_positions * frequency / (2 * std::numbers::pi);
    const double keep = std::min(1.0, std::max(0.0, (turns - 1) / 3));
    const double expected = 1 / ((1 - keep) / a.rope.factor + keep);
    if (std::fabs(factors[i] - expected) > 1e-3 * expected) {
      bad(h, "rope_freqs.weight", "the factors of Llama 3", std::to_string(factors[i]));
    }
  }
}

template <bool to_gguf>
std::vector<float> reorder(const std::vector<float>& rows, int heads, int64_t cols) {
  const int64_t total = static_cast<int64_t>(rows.size()) / cols, width = total / heads;
  std::vector<float> result(rows.size());
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < width; ++i) {
      const int64_t pair = i / 2 + i % 2 * (width / 2);  // Hugging Face's place of llama.cpp's row i
      const int64_t from = h * width + (to_gguf ? pair : i), to = h * width + (to_gguf ? i : pair);
      std::copy_n(rows.data() + from * cols, cols, result.data() + to * cols);
    }
  }
  return result;
}

}  // namespace

std::string gguf_name(const std::string& name) {
  for (const auto& [ours, theirs] : top_names) {
    if (name == ours) return theirs;
  }
  const std::string prefix = "model.layers.";
  const size_t dot = name.find('.', prefix.size()), end = name.rfind('.');
  PT_ASSERT(name.starts_with(prefix) && dot != std::string::npos, name);
  const std::string part = name.substr(dot + 1, end - dot - 1);
  for (const auto& [ours, theirs] : layer_names) {
    if (part == ours) return "blk." + name.substr(prefix.size(), dot - prefix.size()) + "." + theirs + name.substr(end);
  }
  PT_ASSERT(false, name);
  return {};
}

bool gguf_reordered(const Arch& arch, const std::string& name) {
  if (arch.family != "llama" && arch.family != "mistral") return false;
  return name.find(".q_proj.") != std::string::npos || name.find(".k_proj.") != std::string::npos;
}

std::vector<float> gguf_to_hugging_face(const std::vector<float>& rows, int heads, int64_t cols) {
  return reorder<false>(rows, heads, cols);
}

std::vector<float> hugging_face_to_gguf(const std::vector<float>& rows, int heads, int64_t cols) {
  return reorder<true>(rows, heads, cols);
}

Arch gguf_arch(const GgufHeader& h) {
  Arch a;
  a.family = h.text("general.architecture");
  if (a.family != "llama" && a.family != "qwen2" && a.family != "qwen3") {
    bad(h, "general.architecture", "llama, qwen2 or qwen3", a.family);
  }
  const std::string p = a.family + ".";
  a.hidden = bounded(h, p + "embedding_length", h.integer(p + "embedding_length"), 1 << 20);
  a.layers = bounded(h, p + "block_count", h.integer(p + "block_count"), 1 << 12);
  a.mlp = bounded(h, p + "feed_forward_length", h.integer(p + "feed_forward_length"), 1 << 22);
  a.heads = bounded(h, p + "attention.head_count", h.integer(p + "attention.head_count"), 1 << 12);
  a.kv_heads = bounded(h, p + "attention.head_count_kv", h.integer(p + "attention.head_count_kv", a.heads), a.heads);
  if (a.heads % a.kv_heads != 0) bad(h, p + "attention.head_count_kv", "a divisor", std::to_string(a.kv_heads));
  a.head_dim =
      bounded(h, p + "attention.key_length", h.integer(p + "attention.key_length", a.hidden / a.heads), 1 << 12);
  if (a.head_dim % 2 != 0) bad(h, p + "attention.key_length", "even", std::to_string(a.head_dim));
  a.max_positions = static_cast<int>(std::min<int64_t>(h.integer(p + "context_length", 2048), 1 << 30));
  a.norm_eps = static_cast<float>(h.number(p + "attention.layer_norm_rms_epsilon"));
  a.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(a.head_dim)));
  read_rope(h, p, a);
  const GgufTensor* embedding = h.tensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) bad(h, "token_embd.weight", "a matrix", "none");
  a.vocab = embedding->shape[0];
  a.tied_head = h.tensor("output.weight") == nullptr;
  a.qkv_bias = h.tensor("blk.0.attn_q.bias") != nullptr;
  a.o_bias = h.tensor("blk.0.attn_output.bias") != nullptr;
  a.mlp_bias = h.tensor("blk.0.ffn_gate.bias") != nullptr;
  a.qk_norm = a.family == "qwen3";
  a.bos = static_cast<int>(h.integer("tokenizer.ggml.bos_token_id", -1));
  a.pad = static_cast<int>(h.integer("tokenizer.ggml.padding_token_id", -1));
  if (h.has("tokenizer.ggml.eos_token_id")) {
    a.eos = {static_cast<int>(h.integer("tokenizer.ggml.eos_token_id"))};
  }
  return a;
}

Arch read_gguf_arch(const std::filesystem::path& file) {
  const MappedFile map(file);
  const GgufHeader header = parse_gguf({map.data(), map.size()}, file.string());
  Arch arch = gguf_arch(header);
  gguf_rope_factors(header, map.data(), arch);
  return arch;
}

void gguf_rope_factors(const GgufHeader& h, const std::byte* data, Arch& a) {
  const GgufTensor* tensor = h.tensor("rope_freqs.weight");
  if (tensor == nullptr) return;
  if (tensor->type != GgufType::f32 || tensor->size() != a.rotary_dim / 2) {
    bad(h, "rope_freqs.weight", std::to_string(a.rotary_dim / 2) + " values of F32", "something else");
  }
  std::vector<float> factors(static_cast<size_t>(tensor->size()));
  dequantize(tensor->type, data + tensor->begin, factors.size(), factors.data());
  read_rope_factors(h, factors, a);
}

void write_gguf_tensor(Weights& weights, const Parameter& p, const MappedFile& file, const GgufTensor& tensor,
                       int head_dim) {
  constexpr int64_t most_values = 1 << 21;
  const int64_t cols = std::max<int64_t>(1, p.cols), unit = head_dim > 0 ? head_dim : 32;
  const GgufBlock block = gguf_block(tensor.type);
  const auto bytes_of = [&](int64_t values) { return values / block.values * block.bytes; };
  const int64_t step = p.cols == 0 ? p.rows : std::max(unit, most_values / cols / unit * unit);
  std::vector<float> values;
  for (int64_t first = 0; first < p.rows; first += step) {
    Parameter part = p;
    part.rows = std::min(step, p.rows - first);
    part.first_row += first;
    part.offset += static_cast<size_t>(first * cols);
    values.resize(static_cast<size_t>(part.size()));
    const std::byte* begin = file.data() + tensor.begin + bytes_of(first * cols);
    if (p.cols == 0) {
      dequantize(tensor.type, begin, values.size(), values.data());
    } else {
      parallel_for(part.rows, 1 + (1 << 14) / cols, [&](ptrdiff_t r0, ptrdiff_t r1) {
        dequantize(tensor.type, begin + bytes_of(r0 * cols), static_cast<size_t>((r1 - r0) * cols),
                   values.data() + r0 * cols);
      });
    }
    if (head_dim > 0) values = gguf_to_hugging_face(values, static_cast<int>(part.rows / head_dim), cols);
    weights.write(part, values.data(), DType::f32);
    file.forget(begin, static_cast<size_t>(bytes_of(part.size())));
  }
}

std::optional<GgufType> written_gguf_type(std::string_view name) {
  if (name == "f32") return GgufType::f32;
  if (name.empty() || name == "f16") return GgufType::f16;
  if (name == "bf16") return GgufType::bf16;
  if (name == "q8_0") return GgufType::q8_0;
  return std::nullopt;
}

void save_gguf(const Transformer& model, const std::filesystem::path& file, GgufType type,
               const std::vector<std::pair<std::string, GgufValue>>& tokenizer) {
  const Arch& a = model.arch();
  const std::string family = a.family == "mistral" && a.window == 0 ? "llama" : a.family;
  if ((family != "llama" && family != "qwen2" && family != "qwen3") || a.window > 0) {
    throw Error(file.string(), "architecture", "llama, qwen2 or qwen3 without a window", a.family);
  }
  if (a.rope.kind == RopeKind::llama3) throw Error(file.string(), "rope_scaling", "none, linear or yarn", "llama3");
  const std::string p = family + ".";
  std::vector<std::pair<std::string, GgufValue>> metadata = {
      {"general.architecture", GgufValue::of(family)},
      {p + "context_length", GgufValue::of(int64_t{a.max_positions})},
      {p + "embedding_length", GgufValue::of(a.hidden)},
      {p + "block_count", GgufValue::of(int64_t{a.layers})},
      {p + "feed_forward_length", GgufValue::of(a.mlp)},
      {p + "attention.head_count", GgufValue::of(int64_t{a.heads})},
      {p + "attention.head_count_kv", GgufValue::of(int64_t{a.kv_heads})},
      {p + "attention.key_length", GgufValue::of(int64_t{a.head_dim})},
      {p + "attention.value_length", GgufValue::of(int64_t{a.head_dim})},
      {p + "attention.layer_norm_rms_epsilon", GgufValue::of(double{a.norm_eps})},
      {p + "rope.dimension_count", GgufValue::of(int64_t{a.rotary_dim})},
      {p + "rope.freq_base", GgufValue::of(a.rope_theta)},
      {p + "vocab_size", GgufValue::of(a.vocab)},
  };
  if (a.rope.kind != RopeKind::standard) {
    metadata.emplace_back(p + "rope.scaling.type",
                          GgufValue::of(std::string(a.rope.kind == RopeKind::linear ? "linear" : "yarn")));
    metadata.emplace_back(p + "rope.scaling.factor", GgufValue::of(a.rope.factor));
    metadata.emplace_back(p + "rope.scaling.original_context_length",
                          GgufValue::of(int64_t{a.rope.original_max_positions}));
  }
  if (a.bos >= 0) metadata.emplace_back("tokenizer.ggml.bos_token_id", GgufValue::of(int64_t{a.bos}));
  if (!a.eos.empty()) metadata.emplace_back("tokenizer.ggml.eos_token_id", GgufValue::of(int64_t{a.eos.front()}));
  if (a.pad >= 0) metadata.emplace_back("tokenizer.ggml.padding_token_id", GgufValue::of(int64_t{a.pad}));
  metadata.insert(metadata.end(), tokenizer.begin(), tokenizer.end());

  std::vector<GgufSource> tensors;
  for (const Parameter& parameter : model.weights().parameters()) {
    GgufType stored = parameter.cols == 0 ? GgufType::f32 : type;
    if (stored == GgufType::q8_0 && parameter.cols % 32 != 0) stored = GgufType::f16;
    std::vector<int64_t> shape = {parameter.rows};
    if (parameter.cols > 0) shape.push_back(parameter.cols);
    tensors.push_back({gguf_name(parameter.name), shape, stored, [&model, &a, &parameter](float* to) {
                         model.weights().read(parameter, to);
                         if (!gguf_reordered(a, parameter.name)) return;
                         const std::vector<float> rows(to, to + parameter.size());
                         const int heads = static_cast<int>(parameter.rows / a.head_dim);
                         const auto moved = hugging_face_to_gguf(rows, heads, std::max<int64_t>(1, parameter.cols));
                         std::copy(moved.begin(), moved.end(), to);
                       }});
  }
  write_gguf(file, metadata, tensors);
}

}  // namespace posttrain::model
