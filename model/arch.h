// The shape of a transformer: one struct covers every family; the families are lines of the table in arch.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nn/backend.h"

namespace posttrain::model {

enum class RopeKind : uint8_t { standard, linear, llama3, yarn };

// How rotary frequencies are stretched beyond the trained context; field names as in config.json.
struct RopeScaling {
  RopeKind kind = RopeKind::standard;
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4;             // llama3
  double beta_fast = 32, beta_slow = 1;                         // yarn
  double attention_factor = 0, mscale = 0, mscale_all_dim = 0;  // yarn; 0 = derived from `factor`
  int original_max_positions = 0;                               // llama3, yarn
  bool truncate = true;                                         // yarn: whole dimensions as the ramp's ends

  bool operator==(const RopeScaling&) const = default;
};

// Mixture of experts: which layers, and how a token finds its experts. experts == 0: every layer is dense.
struct MoeShape {
  int experts = 0, per_token = 0;
  int64_t width = 0;         // MLP width of one expert
  int64_t shared_width = 0;  // of the expert that every token takes; 0 = none
  bool normalize = false;    // weights of the chosen experts are divided by their sum
  bool sigmoid = false;      // DeepSeek-V3: sigmoid scores, choice by score + bias within the best groups; else softmax
  int groups = 1, top_groups = 1;
  float scale = 1;  // multiplies the weights at the end
  // Which layers are sparse: see Arch::sparse().
  int first_dense = 0, step = 1;
  std::vector<int> dense_layers;

  bool operator==(const MoeShape&) const = default;
};

// Multi-head latent attention (DeepSeek-V2, section 2.1). kv_rank == 0: ordinary attention.
struct MlaShape {
  int q_rank = 0;  // 0 = q is projected directly
  int kv_rank = 0;
  int nope = 0, rope = 0, v = 0;  // floats per head: q and k without and with position, and v

  bool operator==(const MlaShape&) const = default;
};

struct Arch {
  std::string family = "llama";  // config.json's model_type
  int64_t vocab = 0, hidden = 0, mlp = 0;
  int layers = 0, heads = 0, kv_heads = 0, head_dim = 0;
  int max_positions = 2048;
  float norm_eps = 1e-6f;
  bool tied_head = false;

  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  bool qk_norm = false;        // RMSNorm of every q and k head before rope
  bool sandwich_norm = false;  // Gemma2: a norm after attention and after the MLP as well
  bool fused_names = false;    // Phi3: the checkpoint stores qkv_proj and gate_up_proj
  float norm_offset = 0;       // Gemma: weights are stored minus 1
  float embed_scale = 1;
  nn::Activation activation = nn::Activation::silu;

  double rope_theta = 10000;
  int rotary_dim = 0;  // floats of each head that turn; head_dim unless the family says otherwise
  bool rope_interleaved = false;
  RopeScaling rope;

  float attention_scale = 0;  // multiplies q . k
  float attention_softcap = 0, final_softcap = 0;
  int window = 0;              // of the layers named in `windowed`
  std::vector<bool> windowed;  // [layers], or empty = no layer

  MoeShape moe;
  MlaShape mla;

  int bos = -1, pad = -1;  // token ids; -1 = unknown
  std::vector<int> eos;

  bool operator==(const Arch&) const = default;

  bool sparse(int layer) const;
  nn::AttentionShape attention(int layer) const;
  int qk_width() const;  // floats per head of q and k
  int v_width() const;
};

// A plain Llama shape, as the recipes make them from random weights. rotary_dim and attention_scale are set.
Arch llama_arch(int64_t vocab, int64_t hidden, int layers, int heads, int kv_heads, int64_t mlp, bool tied_head);

// Reads <dir>/config.json in the style of transformers 4 or 5 (and the eos ids of generation_config.json). Throws Error
// for an unknown architecture, a missing field, or a feature that is not supported.
Arch read_arch(const std::filesystem::path& dir);
// The same from the text of a config.json; `where` names it in errors.
Arch parse_arch(std::string_view config, const std::string& where);

// config.json of `arch` in the style that transformers 4 and 5, vLLM and llama.cpp read.
std::string write_arch(const Arch& arch, DType dtype);

// The families of the table, for help and for errors.
std::vector<std::string> families();

}  // namespace posttrain::model
