#include "model/block.h"

#include "model/block_parts.h"

namespace posttrain::model {

using nn::Heads;
using nn::Into;

void attend(const Net& net, const Pass& pass, int layer, Heads q, Heads k, Heads v, Heads out, float* stats) {
  const nn::AttentionShape shape = net.arch.attention(layer);
  if (pass.pool == nullptr) return net.backend.attention(shape, pass.segments, q, k, v, out, stats);
  net.backend.kv_write(*pass.pool, layer, pass.slots, k, v);
  net.backend.attention_paged(shape, *pass.pool, layer, pass.paged, q, out);
}

void attend_backward(const Net& net, const Pass& pass, int layer, Heads q, Heads k, Heads v, Heads out,
                     const float* stats, Heads dout, Heads dq, Heads dk, Heads dv) {
  const auto rows = [](Heads heads, int64_t begin, int64_t count) {
    heads.data += begin * heads.stride;
    heads.rows = count;
    return heads;
  };
  if (pass.carried_rows > 0) {
    pass.carry->give_keys(layer, rows(dk, pass.carried_begin, pass.carried_rows));
    pass.carry->give_values(layer, rows(dv, pass.carried_begin, pass.carried_rows));
  }
  net.backend.attention_backward(net.arch.attention(layer), pass.segments, q, k, v, out, stats, dout, dq, dk, dv);
  if (pass.read_only > 0) {
    pass.carry->keep_keys(layer, rows(dk, pass.rows, pass.read_only));
    pass.carry->keep_values(layer, rows(dv, pass.rows, pass.read_only));
  }
}

namespace {

// Where q, k and v lie in a row of the fused projection.
struct QkvView {
  int64_t rows, stride;
  int q_heads, kv_heads, width;

  QkvView(const Arch& arch, int64_t M)
      : rows(M),
        stride(int64_t{arch.heads + 2 * arch.kv_heads} * arch.head_dim),
        q_heads(arch.heads),
        kv_heads(arch.kv_heads),
        width(arch.head_dim) {}
  Heads q(float* data) const { return {data, rows, stride, q_heads, width}; }
  Heads k(float* data) const { return {data + int64_t{q_heads} * width, rows, stride, kv_heads, width}; }
  Heads v(float* data) const { return {data + int64_t{q_heads + kv_heads} * width, rows, stride, kv_heads, width}; }
  Heads q_and_k(float* data) const { return {data, rows, stride, q_heads + kv_heads, width}; }
};

// ---- the two ends of a branch: normalise before it, and add its result to the residual stream (through one more norm
// for Gemma2)

void norm_rows(const Net& net, int64_t M, const float* x, const Vector& w, float* y, float* inv_rms) {
  const int64_t D = net.arch.hidden;
  net.backend.rmsnorm(rows_of(x, M, D), net.weights.at(w), net.arch.norm_offset, net.arch.norm_eps, rows_of(y, M, D),
                      inv_rms);
}

void norm_rows_backward(const Net& net, int64_t M, const float* dy, const float* x, const Vector& w,
                        const float* inv_rms, Gradients gradients, float* dx, Into into) {
  const int64_t D = net.arch.hidden;
  net.backend.rmsnorm_backward(rows_of(dy, M, D), rows_of(x, M, D), net.weights.at(w), net.arch.norm_offset, inv_rms,
                               rows_of(dx, M, D), into, gradients.at(w));
}

// stream += norm(raw)
void add_normed(const Net& net, int64_t M, const float* raw, const Vector& post_norm, float* inv_rms, float* stream,
                Workspace& ws) {
  const int64_t D = net.arch.hidden;
  float* normed = ws.take(M * D);
  norm_rows(net, M, raw, post_norm, normed, inv_rms);
  net.backend.copy_heads(M, 1, static_cast<int>(D), {normed, D, 0}, {stream, D, 0}, Into::add);
}

// ---- self-attention: from s.norm to s.attention

void attention_forward(const Net& net, const Pass& pass, int layer, BlockState& s, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const int64_t M = pass.rows, width = int64_t{arch.heads} * arch.head_dim;
  const QkvView view(arch, M);

  s.projected = s.qkv = ws.take(M * view.stride);
  project(net, M, s.norm, w.qkv, w.qkv_bias, s.projected, Into::overwrite);
  if (arch.qk_norm) {
    s.qkv = ws.take(M * view.stride);  // its v part stays unused: v has no norm
    s.q_inv_rms = ws.take(M * arch.heads);
    s.k_inv_rms = ws.take(M * arch.kv_heads);
    net.backend.rmsnorm(view.q(s.projected), net.weights.at(w.q_norm), arch.norm_offset, arch.norm_eps, view.q(s.qkv),
                        s.q_inv_rms);
    net.backend.rmsnorm(view.k(s.projected), net.weights.at(w.k_norm), arch.norm_offset, arch.norm_eps, view.k(s.qkv),
                        s.k_inv_rms);
  }
  net.backend.rope(view.q_and_k(s.qkv), pass.positions, pass.cos, pass.sin, arch.rotary_dim / 2, arch.rope_interleaved,
                   1);
  s.attention = ws.take(M * width);
  s.stats = ws.take(2 * M * arch.heads);
  attend(net, pass, layer, view.q(s.qkv), view.k(s.qkv), view.v(s.projected),
         {s.attention, M, width, arch.heads, arch.head_dim}, s.stats);
}

void attention_backward(const Net& net, const Pass& pass, int layer, const BlockState& s, Gradients gradients,
                        float* d_attention, float* d_norm, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const int64_t M = pass.rows, all = M + pass.read_only, width = int64_t{arch.heads} * arch.head_dim;
  const QkvView view(arch, M), whole(arch, all);

  float* d_projected = ws.take(all * view.stride);
  net.backend.fill(d_projected, 0, static_cast<size_t>(all * view.stride));
  float* d_qkv = d_projected;
  if (arch.qk_norm) {
    d_qkv = ws.take(all * view.stride);
    net.backend.fill(d_qkv, 0, static_cast<size_t>(all * view.stride));
  }
  const auto heads = [&](float* data) { return Heads{data, all, width, arch.heads, arch.head_dim}; };
  attend_backward(net, pass, layer, whole.q(s.qkv), whole.k(s.qkv), whole.v(s.projected), heads(s.attention), s.stats,
                  heads(d_attention), whole.q(d_qkv), whole.k(d_qkv), whole.v(d_projected));
  net.backend.rope(view.q_and_k(d_qkv), pass.positions, pass.cos, pass.sin, arch.rotary_dim / 2, arch.rope_interleaved,
                   -1);
  if (arch.qk_norm) {
    net.backend.rmsnorm_backward(view.q(d_qkv), view.q(s.projected), net.weights.at(w.q_norm), arch.norm_offset,
                                 s.q_inv_rms, view.q(d_projected), Into::overwrite, gradients.at(w.q_norm));
    net.backend.rmsnorm_backward(view.k(d_qkv), view.k(s.projected), net.weights.at(w.k_norm), arch.norm_offset,
                                 s.k_inv_rms, view.k(d_projected), Into::overwrite, gradients.at(w.k_norm));
  }
  project_backward(net, M, d_projected, s.norm, w.qkv, w.qkv_bias, gradients, d_norm, Into::overwrite);
}

// ---- MLP: to += down(act(gate(s.mlp_norm)) * up(s.mlp_norm))

void mlp_forward(const Net& net, int64_t M, int layer, BlockState& s, float* to, Into into, Workspace& ws) {
  const Mlp& w = net.weights.layers[static_cast<size_t>(layer)].mlp;
  const int64_t F = net.arch.mlp;
  s.gate_up = ws.take(2 * M * F);
  s.gated = ws.take(M * F);
  project(net, M, s.mlp_norm, w.gate_up, w.gate_up_bias, s.gate_up, Into::overwrite);
  net.backend.gated(net.arch.activation, M, F, s.gate_up, s.gated);
  project(net, M, s.gated, w.down, w.down_bias, to, into);
}

void mlp_backward(const Net& net, int64_t M, int layer, const BlockState& s, Gradients gradients, const float* dout,
                  float* d_norm, Workspace& ws) {
  const Mlp& w = net.weights.layers[static_cast<size_t>(layer)].mlp;
  const int64_t F = net.arch.mlp;
  float *d_gated = ws.take(M * F), *d_gate_up = ws.take(2 * M * F);
  project_backward(net, M, dout, s.gated, w.down, w.down_bias, gradients, d_gated, Into::overwrite);
  net.backend.gated_backward(net.arch.activation, M, F, s.gate_up, d_gated, d_gate_up);
  project_backward(net, M, d_gate_up, s.mlp_norm, w.gate_up, w.gate_up_bias, gradients, d_norm, Into::overwrite);
}

}  // namespace

BlockState block_forward(const Net& net, const Pass& pass, int layer, const float* x, float* out, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const int64_t M = pass.rows, floats = M * arch.hidden;
  BlockState s;
  s.x = x;
  s.mid = out;
  s.norm = ws.take(floats);
  s.inv_rms = ws.take(M);
  norm_rows(net, M, x, w.attention_norm, s.norm, s.inv_rms);
  if (arch.mla.kv_rank > 0) {
    latent_attention_forward(net, pass, layer, s, ws);
  } else {
    attention_forward(net, pass, layer, s, ws);
  }
  if (out != x) {
    s.mid = ws.take(floats);
    net.backend.copy(s.mid, x, static_cast<size_t>(floats));
  }
  if (w.attention_post_norm) {
    s.attention_out = ws.take(floats);
    s.post_inv_rms = ws.take(M);
    project(net, M, s.attention, w.o, w.o_bias, s.attention_out, Into::overwrite);
    add_normed(net, M, s.attention_out, w.attention_post_norm, s.post_inv_rms, s.mid, ws);
  } else {
    project(net, M, s.attention, w.o, w.o_bias, s.mid, Into::add);
  }

  s.mlp_norm = ws.take(floats);
  s.mlp_inv_rms = ws.take(M);
  norm_rows(net, M, s.mid, w.mlp_norm, s.mlp_norm, s.mlp_inv_rms);
  if (out != s.mid) net.backend.copy(out, s.mid, static_cast<size_t>(floats));
  if (arch.sparse(layer)) {
    sparse_mlp_forward(net, M, layer, s, out, ws);
  } else if (w.mlp_post_norm) {
    s.mlp_out = ws.take(floats);
    s.mlp_post_inv_rms = ws.take(M);
    mlp_forward(net, M, layer, s, s.mlp_out, Into::overwrite, ws);
    add_normed(net, M, s.mlp_out, w.mlp_post_norm, s.mlp_post_inv_rms, out, ws);
  } else {
    mlp_forward(net, M, layer, s, out, Into::add, ws);
  }
  return s;
}

void block_backward(const Net& net, const Pass& pass, int layer, const BlockState& s, Gradients gradients, float* dh,
                    Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const int64_t M = pass.rows, floats = M * arch.hidden;
  float *d_norm = ws.take(floats), *d_branch = dh;
  if (w.mlp_post_norm) {
    d_branch = ws.take(floats);
    norm_rows_backward(net, M, dh, s.mlp_out, w.mlp_post_norm, s.mlp_post_inv_rms, gradients, d_branch,
                       Into::overwrite);
  }
  if (arch.sparse(layer)) {
    sparse_mlp_backward(net, pass, layer, s, gradients, d_branch, d_norm, ws);
  } else {
    mlp_backward(net, M, layer, s, gradients, d_branch, d_norm, ws);
  }
  norm_rows_backward(net, M, d_norm, s.mid, w.mlp_norm, s.mlp_inv_rms, gradients, dh, Into::add);

  d_branch = dh;
  if (w.attention_post_norm) {
    d_branch = ws.take(floats);
    norm_rows_backward(net, M, dh, s.attention_out, w.attention_post_norm, s.post_inv_rms, gradients, d_branch,
                       Into::overwrite);
  }
  float* d_attention = ws.take(M * w.o.in);
  project_backward(net, M, d_branch, s.attention, w.o, w.o_bias, gradients, d_attention, Into::overwrite);
  if (arch.mla.kv_rank > 0) {
    latent_attention_backward(net, pass, layer, s, gradients, d_attention, d_norm, ws);
  } else {
    attention_backward(net, pass, layer, s, gradients, d_attention, d_norm, ws);
  }
  norm_rows_backward(net, M, d_norm, s.x, w.attention_norm, s.inv_rms, gradients, dh, Into::add);
}

}  // namespace posttrain::model
