#include "model/weights.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/half.h"

namespace posttrain::model {
namespace {

size_t aligned(size_t floats) {
  return (floats + 15) / 16 * 16;
}

}  // namespace

// Gives every tensor its place. Vectors get offsets from 0 first and move behind the matrices at the end.
struct Weights::Layout {
  struct Part {
    std::string name;
    int64_t rows;
  };

  Weights& w;
  size_t vectors = 0;
  std::vector<Vector*> trained, frozen;

  void matrix(Matrix& m, int64_t in, const std::vector<Part>& parts) {
    m.in = in;
    m.offset = w.matrix_floats_;
    for (const Part& part : parts) {
      if (part.rows == 0) continue;
      const auto offset = m.offset + static_cast<size_t>(m.out * in);
      w.parameters_.push_back({part.name + ".weight", part.rows, in, offset, &m, m.out, true});
      m.out += part.rows;
    }
    w.matrix_floats_ += aligned(static_cast<size_t>(m.out * in));
    w.matrices_.push_back(&m);
  }

  void vector(Vector& v, const std::vector<Part>& parts, bool is_trained = true) {
    v.offset = vectors;
    for (const Part& part : parts) {
      if (part.rows == 0) continue;
      w.parameters_.push_back({part.name, part.rows, 0, vectors + static_cast<size_t>(v.size), nullptr, 0, is_trained});
      v.size += part.rows;
    }
    vectors += aligned(static_cast<size_t>(v.size));
    (is_trained ? trained : frozen).push_back(&v);
  }

  void mlp(Mlp& m, const Arch& arch, const std::string& name, int64_t width, bool bias) {
    const std::vector<Part> fused = arch.fused_names
                                        ? std::vector<Part>{{name + "gate_up_proj", 2 * width}}
                                        : std::vector<Part>{{name + "gate_proj", width}, {name + "up_proj", width}};
    matrix(m.gate_up, arch.hidden, fused);
    matrix(m.down, width, {{name + "down_proj", arch.hidden}});
    if (!bias) return;
    vector(m.gate_up_bias, {{name + "gate_proj.bias", width}, {name + "up_proj.bias", width}});
    vector(m.down_bias, {{name + "down_proj.bias", arch.hidden}});
  }

  void attention(Layer& l, const Arch& arch, const std::string& name) {
    const int64_t q = int64_t{arch.heads} * arch.head_dim, kv = int64_t{arch.kv_heads} * arch.head_dim;
    if (arch.fused_names) {
      matrix(l.qkv, arch.hidden, {{name + "qkv_proj", q + 2 * kv}});
    } else {
      matrix(l.qkv, arch.hidden, {{name + "q_proj", q}, {name + "k_proj", kv}, {name + "v_proj", kv}});
    }
    if (arch.qkv_bias) {
      vector(l.qkv_bias, {{name + "q_proj.bias", q}, {name + "k_proj.bias", kv}, {name + "v_proj.bias", kv}});
    }
    if (arch.qk_norm) {
      vector(l.q_norm, {{name + "q_norm.weight", arch.head_dim}});
      vector(l.k_norm, {{name + "k_norm.weight", arch.head_dim}});
    }
    matrix(l.o, q, {{name + "o_proj", arch.hidden}});
  }

  void latent_attention(Layer& l, const Arch& arch, const std::string& name) {
    const MlaShape& mla = arch.mla;
    const int64_t q = int64_t{arch.heads} * (mla.nope + mla.rope), kv_a = mla.kv_rank + mla.rope;
    const int64_t q_a = mla.q_rank > 0 ? mla.q_rank : q;
    const std::string q_name = name + (mla.q_rank > 0 ? "q_a_proj" : "q_proj"), kv_name = name + "kv_a_proj_with_mqa";
    matrix(l.qkv, arch.hidden, {{q_name, q_a}, {kv_name, kv_a}});
    // Only the projections into a latent have biases in the family.
    if (arch.qkv_bias) {
      PT_ASSERT(mla.q_rank > 0);
      vector(l.qkv_bias, {{q_name + ".bias", q_a}, {kv_name + ".bias", kv_a}});
    }
    if (mla.q_rank > 0) {
      vector(l.q_a_norm, {{name + "q_a_layernorm.weight", mla.q_rank}});
      matrix(l.q_b, mla.q_rank, {{name + "q_b_proj", q}});
    }
    vector(l.kv_a_norm, {{name + "kv_a_layernorm.weight", mla.kv_rank}});
    matrix(l.kv_b, mla.kv_rank, {{name + "kv_b_proj", int64_t{arch.heads} * (mla.nope + mla.v)}});
    matrix(l.o, int64_t{arch.heads} * mla.v, {{name + "o_proj", arch.hidden}});
  }

  void layer(Layer& l, const Arch& arch, int index) {
    const std::string name = "model.layers." + std::to_string(index) + ".";
    vector(l.attention_norm, {{name + "input_layernorm.weight", arch.hidden}});
    if (arch.mla.kv_rank > 0) {
      latent_attention(l, arch, name + "self_attn.");
    } else {
      attention(l, arch, name + "self_attn.");
    }
    if (arch.o_bias) vector(l.o_bias, {{name + "self_attn.o_proj.bias", arch.hidden}});
    if (arch.sandwich_norm) {
      vector(l.attention_post_norm, {{name + "post_attention_layernorm.weight", arch.hidden}});
      vector(l.mlp_norm, {{name + "pre_feedforward_layernorm.weight", arch.hidden}});
      vector(l.mlp_post_norm, {{name + "post_feedforward_layernorm.weight", arch.hidden}});
    } else {
      vector(l.mlp_norm, {{name + "post_attention_layernorm.weight", arch.hidden}});
    }
    const std::string mlp_name = name + "mlp.";
    if (!arch.sparse(index)) return mlp(l.mlp, arch, mlp_name, arch.mlp, arch.mlp_bias);
    matrix(l.router, arch.hidden, {{mlp_name + "gate", arch.moe.experts}});
    if (arch.moe.sigmoid) vector(l.router_bias, {{mlp_name + "gate.e_score_correction_bias", arch.moe.experts}}, false);
    l.experts.resize(static_cast<size_t>(arch.moe.experts));
    for (int e = 0; e < arch.moe.experts; ++e) {
      mlp(l.experts[static_cast<size_t>(e)], arch, mlp_name + "experts." + std::to_string(e) + ".", arch.moe.width,
          false);
    }
    if (arch.moe.shared_width > 0) mlp(l.shared, arch, mlp_name + "shared_experts.", arch.moe.shared_width, false);
  }

  void finish() {
    // Frozen vectors go last: the trained part of the arena is then one range.
    size_t end = w.matrix_floats_;
    std::vector<std::pair<size_t, size_t>> moved;  // from, to
    const auto place = [&](const std::vector<Vector*>& list) {
      for (Vector* v : list) {
        moved.emplace_back(v->offset, end);
        v->offset = end;
        end += aligned(static_cast<size_t>(v->size));
      }
    };
    place(trained);
    w.trained_floats_ = end;
    place(frozen);
    w.all_floats_ = end;
    std::sort(moved.begin(), moved.end());
    for (Parameter& p : w.parameters_) {
      if (p.matrix != nullptr) continue;
      const auto after = std::upper_bound(moved.begin(), moved.end(), std::pair{p.offset, SIZE_MAX});
      const auto& [from, to] = *std::prev(after);
      p.offset = p.offset - from + to;
    }
  }
};

Weights::Weights(nn::Backend& backend, const Arch& arch, DType stored, nn::Use use)
    : layers(static_cast<size_t>(arch.layers)), backend_(backend), stored_(stored), use_(use) {
  Layout layout{*this, 0, {}, {}};
  layout.matrix(embedding, arch.hidden, {{"model.embed_tokens", arch.vocab}});
  for (int i = 0; i < arch.layers; ++i) layout.layer(layers[static_cast<size_t>(i)], arch, i);
  layout.vector(final_norm, {{"model.norm.weight", arch.hidden}});
  if (!arch.tied_head) layout.matrix(head, arch.hidden, {{"lm_head", arch.vocab}});
  layout.finish();
  arena_begin_ = use == nn::Use::training ? 0 : matrix_floats_;
}

void Weights::allocate() {
  arena_ = backend_.alloc((all_floats_ - arena_begin_) * sizeof(float));
  for (Matrix* m : matrices_) {
    // A table that is only read by embed needs no layout for dX.
    const bool product = m != &embedding || !head;
    m->weight = backend_.make_weight(m->out, m->in, stored_, product ? use_ : nn::Use::inference);
  }
}

int64_t Weights::count() const {
  int64_t n = 0;
  for (const Parameter& p : parameters_) n += p.size();
  return n;
}

float* Weights::master() const {
  PT_ASSERT(use_ == nn::Use::training);
  return arena_.f32();
}

float* Weights::at(const Vector& vector) const {
  return vector ? arena_.f32() + (vector.offset - arena_begin_) : nullptr;
}

void Weights::write(const Parameter& p, const void* from, DType type) {
  if (p.matrix != nullptr) backend_.load_rows(*p.matrix->weight, p.first_row, p.rows, from, type);
  if (p.matrix != nullptr && use_ == nn::Use::inference) return;
  float* to = arena_.f32() + (p.offset - arena_begin_);
  if (type == DType::f32) return backend_.to_device(to, from, static_cast<size_t>(p.size()) * sizeof(float));
  std::vector<float> row(static_cast<size_t>(p.cols == 0 ? p.rows : p.cols));
  const auto* bytes = static_cast<const std::byte*>(from);
  for (int64_t done = 0; done < p.size(); done += static_cast<int64_t>(row.size())) {
    widen(bytes + done * 2, type, row.size(), row.data());
    backend_.to_device(to + done, row.data(), row.size() * sizeof(float));
  }
}

void Weights::read(const Parameter& p, float* to) const {
  if (p.matrix != nullptr && use_ == nn::Use::inference) {
    return backend_.read_rows(*p.matrix->weight, p.first_row, p.rows, to);
  }
  backend_.to_host(to, arena_.f32() + (p.offset - arena_begin_), static_cast<size_t>(p.size()) * sizeof(float));
  if (overlay_ && p.matrix != nullptr) overlay_(p, to);
}

void Weights::refresh() {
  for (Matrix* m : matrices_) backend_.load_rows(*m->weight, 0, m->out, master() + m->offset, DType::f32);
}

}  // namespace posttrain::model
