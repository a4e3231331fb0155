// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): q and k|v pass through a narrow latent;
// only a part of each head carries the position, and for k that part is shared by all heads. The cache holds the
// widened keys and values, so that scoring and decoding run the same sums.
#include "model/block_parts.h"

namespace posttrain::model {
namespace {

using nn::Heads;
using nn::Into;

// Where things lie in a row of the first projection [q_a | kv_a | k_rope] (or [q | kv_a | k_rope]).
struct LatentView {
  int64_t M, stride, q_end, kv_end;
  int heads, nope, rope, v;
  int width() const { return nope + rope; }

  LatentView(const Arch& a, int64_t rows)
      : M(rows),
        stride(0),
        q_end(a.mla.q_rank > 0 ? a.mla.q_rank : int64_t{a.heads} * (a.mla.nope + a.mla.rope)),
        kv_end(q_end + a.mla.kv_rank),
        heads(a.heads),
        nope(a.mla.nope),
        rope(a.mla.rope),
        v(a.mla.v) {
    stride = kv_end + rope;
  }
  Heads q_latent(float* data) const { return {data, M, stride, 1, static_cast<int>(q_end)}; }
  Heads kv_latent(float* data) const { return {data + q_end, M, stride, 1, static_cast<int>(kv_end - q_end)}; }
  Heads k_rope(float* data) const { return {data + kv_end, M, stride, 1, rope}; }
  Heads q_direct(float* data) const { return {data, M, stride, heads, width()}; }
  Heads packed(float* data, int floats) const { return {data, M, int64_t{heads} * floats, heads, floats}; }
  // The rotating part of every head: rope reads only the first `rope` floats of what begins there.
  static Heads turning(Heads q, int nope) {
    q.data += nope;
    return q;
  }
  nn::Slices slices(float* data, int floats) const { return {data, int64_t{heads} * floats, floats}; }
};

}  // namespace

void latent_attention_forward(const Net& net, const Pass& pass, int layer, BlockState& s, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const LatentView view(arch, pass.rows);
  const int64_t M = pass.rows;
  const int pairs = view.rope / 2, kv_width = view.nope + view.v;
  LatentState& l = s.latent;

  s.projected = ws.take(M * view.stride);
  project(net, M, s.norm, w.qkv, w.qkv_bias, s.projected, Into::overwrite);
  l.q = view.q_direct(s.projected);
  if (w.q_b) {
    l.q_latent = ws.take(M * view.q_end);
    l.q_inv_rms = ws.take(M);
    net.backend.rmsnorm(view.q_latent(s.projected), net.weights.at(w.q_a_norm), 0, arch.norm_eps,
                        rows_of(l.q_latent, M, view.q_end), l.q_inv_rms);
    l.q = view.packed(ws.take(M * view.heads * view.width()), view.width());
    project(net, M, l.q_latent, w.q_b, {}, l.q.data, Into::overwrite);
  }
  const int64_t rank = view.kv_end - view.q_end;
  l.kv_latent = ws.take(M * rank);
  l.kv_inv_rms = ws.take(M);
  net.backend.rmsnorm(view.kv_latent(s.projected), net.weights.at(w.kv_a_norm), 0, arch.norm_eps,
                      rows_of(l.kv_latent, M, rank), l.kv_inv_rms);
  float* kv = ws.take(M * view.heads * kv_width);
  project(net, M, l.kv_latent, w.kv_b, {}, kv, Into::overwrite);
  net.backend.rope(LatentView::turning(l.q, view.nope), pass.positions, pass.cos, pass.sin, pairs,
                   arch.rope_interleaved, 1);
  net.backend.rope(view.k_rope(s.projected), pass.positions, pass.cos, pass.sin, pairs, arch.rope_interleaved, 1);

  l.k = view.packed(ws.take(M * view.heads * view.width()), view.width());
  l.v = view.packed(ws.take(M * view.heads * view.v), view.v);
  net.backend.copy_heads(M, view.heads, view.nope, view.slices(kv, kv_width), view.slices(l.k.data, view.width()),
                         Into::overwrite);
  net.backend.copy_heads(M, view.heads, view.rope, {s.projected + view.kv_end, view.stride, 0},
                         view.slices(l.k.data + view.nope, view.width()), Into::overwrite);
  net.backend.copy_heads(M, view.heads, view.v, view.slices(kv + view.nope, kv_width), view.slices(l.v.data, view.v),
                         Into::overwrite);
  s.attention = ws.take(M * view.heads * view.v);
  s.stats = ws.take(2 * M * view.heads);
  attend(net, pass, layer, l.q, l.k, l.v, view.packed(s.attention, view.v), s.stats);
}

void latent_attention_backward(const Net& net, const Pass& pass, int layer, const BlockState& s, Gradients gradients,
                               float* d_attention, float* d_norm, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const LatentView view(arch, pass.rows);
  const int64_t M = pass.rows, all = M + pass.read_only;
  const int64_t k_floats = all * view.heads * view.width(), v_floats = all * view.heads * view.v;
  const LatentView whole(arch, all);
  const int pairs = view.rope / 2, kv_width = view.nope + view.v;
  const LatentState& l = s.latent;

  float* d_projected = ws.take(all * view.stride);
  net.backend.fill(d_projected, 0, static_cast<size_t>(all * view.stride));
  const Heads dq =
      w.q_b ? whole.packed(ws.take(all * view.heads * view.width()), view.width()) : whole.q_direct(d_projected);
  const Heads dk = whole.packed(ws.take(k_floats), view.width()), dv = whole.packed(ws.take(v_floats), view.v);
  net.backend.fill(dk.data, 0, static_cast<size_t>(k_floats));
  net.backend.fill(dv.data, 0, static_cast<size_t>(v_floats));
  attend_backward(net, pass, layer, l.q, l.k, l.v, whole.packed(s.attention, view.v), s.stats,
                  whole.packed(d_attention, view.v), dq, dk, dv);

  float* d_kv = ws.take(M * view.heads * kv_width);
  net.backend.copy_heads(M, view.heads, view.nope, view.slices(dk.data, view.width()), view.slices(d_kv, kv_width),
                         Into::overwrite);
  net.backend.copy_heads(M, view.heads, view.v, view.slices(dv.data, view.v), view.slices(d_kv + view.nope, kv_width),
                         Into::overwrite);
  net.backend.copy_heads(M, view.heads, view.rope, view.slices(dk.data + view.nope, view.width()),
                         {d_projected + view.kv_end, view.stride, 0}, Into::add);
  net.backend.rope(view.k_rope(d_projected), pass.positions, pass.cos, pass.sin, pairs, arch.rope_interleaved, -1);
  Heads turning = LatentView::turning(dq, view.nope);
  turning.rows = M;
  net.backend.rope(turning, pass.positions, pass.cos, pass.sin, pairs, arch.rope_interleaved, -1);

  const int64_t rank = view.kv_end - view.q_end;
  float* d_kv_latent = ws.take(M * rank);
  project_backward(net, M, d_kv, l.kv_latent, w.kv_b, {}, gradients, d_kv_latent, Into::overwrite);
  net.backend.rmsnorm_backward(rows_of(d_kv_latent, M, rank), view.kv_latent(s.projected), net.weights.at(w.kv_a_norm),
                               0, l.kv_inv_rms, view.kv_latent(d_projected), Into::overwrite,
                               gradients.at(w.kv_a_norm));
  if (w.q_b) {
    float* d_q_latent = ws.take(M * view.q_end);
    project_backward(net, M, dq.data, l.q_latent, w.q_b, {}, gradients, d_q_latent, Into::overwrite);
    net.backend.rmsnorm_backward(rows_of(d_q_latent, M, view.q_end), view.q_latent(s.projected),
                                 net.weights.at(w.q_a_norm), 0, l.q_inv_rms, view.q_latent(d_projected),
                                 Into::overwrite, gradients.at(w.q_a_norm));
  }
  project_backward(net, M, d_projected, s.norm, w.qkv, w.qkv_bias, gradients, d_norm, Into::overwrite);
}

}  // namespace posttrain::model
