#include "model/config.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "model/gguf_model.h"

namespace posttrain::model {
namespace {

std::string brief(const Json& value) {
  std::string text = to_line(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

RopeKind rope_kind(const Config& c) {
  const std::string type = c.text("rope_type", c.text("type", "default"));
  if (type == "default" || type == "mrope") return RopeKind::standard;
  if (type == "linear") return RopeKind::linear;
  if (type == "llama3") return RopeKind::llama3;
  if (type == "yarn") return RopeKind::yarn;
  throw Error(c.where(), "rope_scaling.rope_type", "default, linear, llama3 or yarn", type);
}

void read_rope_scaling(const Config& c, Arch& a) {
  RopeScaling& r = a.rope;
  r.kind = rope_kind(c);
  a.rope_theta = c.number("rope_theta", a.rope_theta);
  if (r.kind == RopeKind::standard) return;
  r.factor = c.number("factor");
  r.original_max_positions = c.integer("original_max_position_embeddings", a.max_positions);
  if (r.kind == RopeKind::llama3) {
    r.low_freq_factor = c.number("low_freq_factor");
    r.high_freq_factor = c.number("high_freq_factor");
  }
  if (r.kind == RopeKind::yarn) {
    r.beta_fast = c.number("beta_fast", 32);
    r.beta_slow = c.number("beta_slow", 1);
    r.attention_factor = c.number("attention_factor", 0);
    r.mscale = c.number("mscale", 0);
    r.mscale_all_dim = c.number("mscale_all_dim", 0);
    r.truncate = c.flag("truncate", true);
  }
  if (!(r.factor >= 1)) throw Error(c.where(), "rope_scaling.factor", "at least 1", std::to_string(r.factor));
}

void read_rope(const Config& c, Arch& a) {
  a.rope_theta = c.number("rope_theta", 10000);
  double partial = c.number("partial_rotary_factor", 1);
  // Transformers 5 has everything in rope_parameters, 4 has rope_theta outside and rope_scaling or null.
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (c.null(key)) continue;
    if (!c.at(key).is_object()) throw Error(c.where(), key, "an object", brief(c.at(key)));
    const Config inner(c.at(key), c.where());
    read_rope_scaling(inner, a);
    partial = inner.number("partial_rotary_factor", partial);
  }
  a.rotary_dim = static_cast<int>(a.head_dim * partial);
  if (a.rotary_dim <= 0 || a.rotary_dim > a.head_dim || a.rotary_dim % 2 != 0) {
    throw Error(c.where(), "partial_rotary_factor", "an even part of head_dim " + std::to_string(a.head_dim),
                std::to_string(a.rotary_dim));
  }
}

nn::Activation read_activation(const Config& c) {
  const std::string key = c.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  const std::string name = c.text(key, "silu");
  if (name == "silu" || name == "swish") return nn::Activation::silu;
  if (name == "gelu_pytorch_tanh" || name == "gelu_tanh") return nn::Activation::gelu_tanh;
  throw Error(c.where(), key, "silu or gelu_pytorch_tanh", name);
}

void positive(const Config& c, const char* field, int64_t value, int64_t most) {
  if (value <= 0 || value > most) {
    throw Error(c.where(), field, "1 to " + std::to_string(most), std::to_string(value));
  }
}

// So that no later product overflows and no config alone can ask for absurd memory per token.
void check(const Config& c, const Arch& a) {
  positive(c, "vocab_size", a.vocab, 1 << 24);
  positive(c, "hidden_size", a.hidden, 1 << 20);
  positive(c, "intermediate_size", a.mlp, 1 << 22);
  positive(c, "num_hidden_layers", a.layers, 1 << 12);
  positive(c, "num_attention_heads", a.heads, 1 << 12);
  positive(c, "num_key_value_heads", a.kv_heads, a.heads);
  positive(c, "head_dim", a.head_dim, 1 << 12);
  if (a.heads % a.kv_heads != 0) {
    throw Error(c.where(), "num_key_value_heads", "a divisor of num_attention_heads " + std::to_string(a.heads),
                std::to_string(a.kv_heads));
  }
  if (a.mla.kv_rank > 0) {
    positive(c, "kv_lora_rank", a.mla.kv_rank, 1 << 16);
    positive(c, "qk_nope_head_dim", a.mla.nope, 1 << 12);
    positive(c, "qk_rope_head_dim", a.mla.rope, 1 << 12);
    positive(c, "v_head_dim", a.mla.v, 1 << 12);
    if (a.mla.rope % 2 != 0) throw Error(c.where(), "qk_rope_head_dim", "even", std::to_string(a.mla.rope));
  }
  if (a.moe.experts > 0) {
    positive(c, "num_experts", a.moe.experts, 1 << 12);
    positive(c, "num_experts_per_tok", a.moe.per_token, a.moe.experts);
    positive(c, "moe_intermediate_size", a.moe.width, 1 << 22);
    positive(c, "decoder_sparse_step", a.moe.step, 1 << 12);
    positive(c, "n_group", a.moe.groups, a.moe.experts);
    positive(c, "topk_group", a.moe.top_groups, a.moe.groups);
    if (a.moe.experts % a.moe.groups != 0) {
      throw Error(c.where(), "n_group", "a divisor of the number of experts", std::to_string(a.moe.groups));
    }
    const int reachable = a.moe.experts / a.moe.groups * a.moe.top_groups;
    positive(c, "num_experts_per_tok", a.moe.per_token, reachable);
  }
}

int first_or(const std::vector<int>& list, int otherwise) {
  return list.empty() ? otherwise : list.front();
}

// The double with the shortest decimal that reads back as the same float: 1e-06, not 9.99999997e-07.
double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double result = 0;
  std::from_chars(text, end, result);
  return result;
}

Json rope_scaling_json(const Arch& a) {
  const RopeScaling& r = a.rope;
  if (r.kind == RopeKind::standard) return nullptr;
  Json j;
  j["rope_type"] = r.kind == RopeKind::linear ? "linear" : r.kind == RopeKind::llama3 ? "llama3" : "yarn";
  j["factor"] = r.factor;
  if (r.kind == RopeKind::linear) return j;
  j["original_max_position_embeddings"] = r.original_max_positions;
  if (r.kind == RopeKind::llama3) {
    j["low_freq_factor"] = r.low_freq_factor;
    j["high_freq_factor"] = r.high_freq_factor;
    return j;
  }
  j["beta_fast"] = r.beta_fast;
  j["beta_slow"] = r.beta_slow;
  if (r.attention_factor > 0) j["attention_factor"] = r.attention_factor;
  if (r.mscale > 0) j["mscale"] = r.mscale;
  if (r.mscale_all_dim > 0) j["mscale_all_dim"] = r.mscale_all_dim;
  if (!r.truncate) j["truncate"] = false;
  return j;
}

}  // namespace

int Config::integer(const std::string& key) const {
  if (!has(key)) throw Error(where_, key, "an integer", "nothing");
  const Json& value = json_[key];
  const bool whole =
      value.is_number_integer() || (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!whole || number < 0 || number > std::numeric_limits<int>::max()) {
    throw Error(where_, key, "an integer from 0 to 2147483647", brief(value));
  }
  return static_cast<int>(number);
}

double Config::number(const std::string& key) const {
  if (!has(key)) throw Error(where_, key, "a number", "nothing");
  if (!json_[key].is_number()) throw Error(where_, key, "a number", brief(json_[key]));
  return json_[key].get<double>();
}

double Config::number_or_null(const std::string& key, double otherwise) const {
  if (!has(key)) return otherwise;
  return json_[key].is_null() ? 0 : number(key);
}

bool Config::flag(const std::string& key, bool otherwise) const {
  if (null(key)) return otherwise;
  if (!json_[key].is_boolean()) throw Error(where_, key, "true or false", brief(json_[key]));
  return json_[key].get<bool>();
}

std::string Config::text(const std::string& key, const std::string& otherwise) const {
  if (null(key)) return otherwise;
  if (!json_[key].is_string()) throw Error(where_, key, "a string", brief(json_[key]));
  return json_[key].get<std::string>();
}

std::vector<int> Config::integers(const std::string& key) const {
  if (null(key)) return {};
  const Json& value = json_[key];
  if (value.is_number_integer()) return {integer(key)};
  std::vector<int> list;
  if (!value.is_array()) throw Error(where_, key, "an integer or a list of integers", brief(value));
  for (const Json& item : value) {
    if (!item.is_number_integer()) throw Error(where_, key, "a list of integers", brief(value));
    list.push_back(item.get<int>());
  }
  return list;
}

bool Config::layer_types(int layers, std::vector<bool>& windowed) const {
  if (null("layer_types")) return false;
  const Json& types = json_["layer_types"];
  if (!types.is_array() || types.size() != static_cast<size_t>(layers)) {
    throw Error(where_, "layer_types", "a list of " + std::to_string(layers) + " names", brief(types));
  }
  windowed.clear();
  for (const Json& type : types) {
    if (type != "sliding_attention" && type != "full_attention") {
      throw Error(where_, "layer_types", "full_attention or sliding_attention", brief(type));
    }
    windowed.push_back(type == "sliding_attention");
  }
  return true;
}

void write_layer_types(const Arch& a, Json& j) {
  if (a.windowed.empty()) return;
  Json types = Json::array();
  for (const bool windowed : a.windowed) types.push_back(windowed ? "sliding_attention" : "full_attention");
  j["layer_types"] = types;
}

Arch parse_arch(std::string_view config, const std::string& where) {
  const Json json = parse_json(config, where);
  if (!json.is_object()) throw Error(where, "", "an object", brief(json));
  const Config c(json, where);
  const Family& family = find_family(c.text("model_type", ""), where);
  if (!c.null("quantization_config")) {
    throw Error(where, "quantization_config", "unquantized weights (f32, f16, bf16)",
                brief(c.at("quantization_config")));
  }
  Arch a;
  a.family = family.model_type;
  a.vocab = c.integer("vocab_size");
  a.hidden = c.integer("hidden_size");
  a.mlp = c.integer("intermediate_size");
  a.layers = c.integer("num_hidden_layers");
  a.heads = c.integer("num_attention_heads");
  a.kv_heads = c.integer("num_key_value_heads", a.heads);
  a.max_positions = c.integer("max_position_embeddings", 2048);
  positive(c, "num_hidden_layers", a.layers, 1 << 12);
  positive(c, "num_attention_heads", a.heads, 1 << 12);
  const int quotient = static_cast<int>(a.hidden / a.heads);
  a.head_dim = c.integer("head_dim", family.head_dim > 0 ? family.head_dim : quotient);
  a.norm_eps = static_cast<float>(c.number("rms_norm_eps", family.norm_eps));
  a.tied_head = c.flag("tie_word_embeddings", family.tied_head);
  a.activation = read_activation(c);
  read_rope(c, a);
  a.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(a.head_dim)));
  a.bos = first_or(c.integers("bos_token_id"), -1);
  a.pad = first_or(c.integers("pad_token_id"), -1);
  a.eos = c.integers("eos_token_id");
  family.read(c, a);
  if (a.windowed.empty()) a.window = 0;
  check(c, a);
  return a;
}

Arch read_arch(const std::filesystem::path& dir) {
  if (is_gguf(dir)) return read_gguf_arch(dir);
  const auto file = dir / "config.json";
  Arch a = parse_arch(read_file(file), file.string());
  const auto generation = dir / "generation_config.json";
  if (std::filesystem::exists(generation)) {
    const Json json = read_json(generation);
    const std::vector<int> eos = Config(json, generation.string()).integers("eos_token_id");
    if (!eos.empty()) a.eos = eos;
  }
  return a;
}

std::string write_arch(const Arch& a, DType dtype) {
  const Family& family = find_family(a.family, "config.json");
  Json j;
  j["architectures"] = {family.architecture};
  j["model_type"] = a.family;
  j["vocab_size"] = a.vocab;
  j["hidden_size"] = a.hidden;
  j["intermediate_size"] = a.mlp;
  j["num_hidden_layers"] = a.layers;
  j["num_attention_heads"] = a.heads;
  j["num_key_value_heads"] = a.kv_heads;
  j["head_dim"] = a.head_dim;
  j["hidden_act"] = a.activation == nn::Activation::silu ? "silu" : "gelu_pytorch_tanh";
  j["max_position_embeddings"] = a.max_positions;
  j["rms_norm_eps"] = shortest(a.norm_eps);
  j["rope_theta"] = a.rope_theta;
  j["rope_scaling"] = rope_scaling_json(a);
  j["tie_word_embeddings"] = a.tied_head;
  j["torch_dtype"] = dtype == DType::f32 ? "float32" : dtype == DType::bf16 ? "bfloat16" : "float16";
  j["use_cache"] = true;
  if (a.bos >= 0) j["bos_token_id"] = a.bos;
  if (a.eos.size() == 1) j["eos_token_id"] = a.eos.front();
  if (a.eos.size() > 1) j["eos_token_id"] = a.eos;
  if (a.pad >= 0) j["pad_token_id"] = a.pad;
  family.write(a, j);
  return to_pretty(j) + "\n";
}

}  // namespace posttrain::model
