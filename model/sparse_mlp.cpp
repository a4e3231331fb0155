// The sparse MLP of a block: gather the rows of every expert, run the experts, add their outputs back in the order of
// experts. The shared expert, if any, sees every row.
#include <numeric>

#include "model/block_parts.h"

namespace posttrain::model {
namespace {

using nn::Into;

// Calls body(expert, first visit, visits) for every expert that some row goes to.
template <class Body>
void for_experts(const Routing& routing, const Body& body) {
  for (size_t e = 0; e + 1 < routing.begin.size(); ++e) {
    const int64_t first = routing.begin[e], count = routing.begin[e + 1] - first;
    if (count > 0) body(e, first, count);
  }
}

}  // namespace

void sparse_mlp_forward(const Net& net, int64_t M, int layer, BlockState& s, float* out, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const int64_t D = arch.hidden, F = arch.moe.width, E = arch.moe.experts, R = M * arch.moe.per_token;
  SparseState& p = s.sparse;

  float* logits = ws.take(M * E);
  project(net, M, s.mlp_norm, w.router, {}, logits, Into::overwrite);
  std::vector<float> host(static_cast<size_t>(M * E)), bias(static_cast<size_t>(w.router_bias.size));
  net.backend.to_host(host.data(), logits, host.size() * sizeof(float));
  if (w.router_bias) net.backend.to_host(bias.data(), net.weights.at(w.router_bias), bias.size() * sizeof(float));
  p.routing = route(arch.moe, host, bias);

  p.gathered = ws.take(R * D);
  p.gate_up = ws.take(2 * R * F);
  p.gated = ws.take(R * F);
  p.down = ws.take(R * D);
  net.backend.gather_rows(p.routing.index, D, s.mlp_norm, p.gathered);
  for_experts(p.routing, [&](size_t e, int64_t first, int64_t n) {
    project(net, n, p.gathered + first * D, w.experts[e].gate_up, {}, p.gate_up + first * 2 * F, Into::overwrite);
  });
  net.backend.gated(arch.activation, R, F, p.gate_up, p.gated);
  for_experts(p.routing, [&](size_t e, int64_t first, int64_t n) {
    project(net, n, p.gated + first * F, w.experts[e].down, {}, p.down + first * D, Into::overwrite);
  });
  net.backend.scatter_add_rows(p.routing.index, p.routing.scale, D, p.down, out);
  if (arch.moe.shared_width == 0) return;
  const int64_t S = arch.moe.shared_width;
  s.gate_up = ws.take(2 * M * S);
  s.gated = ws.take(M * S);
  project(net, M, s.mlp_norm, w.shared.gate_up, {}, s.gate_up, Into::overwrite);
  net.backend.gated(arch.activation, M, S, s.gate_up, s.gated);
  project(net, M, s.gated, w.shared.down, {}, out, Into::add);
}

namespace {

// The visits of the first M rows. Within an expert they come first.
SparseState visits_of_first(const Net& net, int64_t M, const SparseState& all, Workspace& ws) {
  const int64_t D = net.arch.hidden, F = net.arch.moe.width, E = net.arch.moe.experts;
  SparseState some;
  std::vector<int32_t> kept;
  some.routing.begin.push_back(0);
  some.routing.scores.assign(all.routing.scores.begin(), all.routing.scores.begin() + M * E);
  for (size_t e = 0; e + 1 < all.routing.begin.size(); ++e) {
    for (int32_t i = all.routing.begin[e]; i < all.routing.begin[e + 1]; ++i) {
      const auto at = static_cast<size_t>(i);
      if (all.routing.index[at] >= M) continue;
      kept.push_back(i);
      some.routing.index.push_back(all.routing.index[at]);
      some.routing.scale.push_back(all.routing.scale[at]);
    }
    some.routing.begin.push_back(static_cast<int32_t>(kept.size()));
  }
  const auto gather = [&](const float* from, int64_t width) {
    float* to = ws.take(std::ssize(kept) * width);
    net.backend.gather_rows(kept, width, from, to);
    return to;
  };
  some.gathered = gather(all.gathered, D);
  some.gate_up = gather(all.gate_up, 2 * F);
  some.gated = gather(all.gated, F);
  some.down = gather(all.down, D);
  return some;
}

}  // namespace

void sparse_mlp_backward(const Net& net, const Pass& pass, int layer, const BlockState& s, Gradients gradients,
                         const float* dout, float* d_norm, Workspace& ws) {
  const Arch& arch = net.arch;
  const Layer& w = net.weights.layers[static_cast<size_t>(layer)];
  const int64_t M = pass.rows, D = arch.hidden, F = arch.moe.width, E = arch.moe.experts;
  const int64_t R = M * arch.moe.per_token;
  const SparseState some = pass.read_only > 0 ? visits_of_first(net, M, s.sparse, ws) : SparseState();
  const SparseState& p = pass.read_only > 0 ? some : s.sparse;

  float* d_visit = ws.take(R * D);
  net.backend.gather_rows(p.routing.index, D, dout, d_visit);
  const std::vector<float> dscale = net.backend.row_dots(R, D, d_visit, p.down);
  float* d_down = ws.take(R * D);
  std::vector<int32_t> same(static_cast<size_t>(R));
  std::iota(same.begin(), same.end(), 0);
  net.backend.fill(d_down, 0, static_cast<size_t>(R * D));
  net.backend.scatter_add_rows(same, p.routing.scale, D, d_visit, d_down);

  float* d_gated = ws.take(R * F);
  for_experts(p.routing, [&](size_t e, int64_t first, int64_t n) {
    project_backward(net, n, d_down + first * D, p.gated + first * F, w.experts[e].down, {}, gradients,
                     d_gated + first * F, Into::overwrite);
  });
  float* d_gate_up = ws.take(2 * R * F);
  net.backend.gated_backward(arch.activation, R, F, p.gate_up, d_gated, d_gate_up);
  float* d_gathered = d_visit;  // no longer needed
  for_experts(p.routing, [&](size_t e, int64_t first, int64_t n) {
    project_backward(net, n, d_gate_up + first * 2 * F, p.gathered + first * D, w.experts[e].gate_up, {}, gradients,
                     d_gathered + first * D, Into::overwrite);
  });
  net.backend.fill(d_norm, 0, static_cast<size_t>(M * D));
  net.backend.scatter_add_rows(p.routing.index, {}, D, d_gathered, d_norm);

  const std::vector<float> d_logits = route_backward(arch.moe, p.routing, dscale);
  float* d_router = ws.take(M * E);
  net.backend.to_device(d_router, d_logits.data(), d_logits.size() * sizeof(float));
  project_backward(net, M, d_router, s.mlp_norm, w.router, {}, gradients, d_norm, Into::add);
  if (arch.moe.shared_width == 0) return;
  const int64_t S = arch.moe.shared_width;
  float *d_shared = ws.take(M * S), *d_shared_gate_up = ws.take(2 * M * S);
  project_backward(net, M, dout, s.gated, w.shared.down, {}, gradients, d_shared, Into::overwrite);
  net.backend.gated_backward(arch.activation, M, S, s.gate_up, d_shared, d_shared_gate_up);
  project_backward(net, M, d_shared_gate_up, s.mlp_norm, w.shared.gate_up, {}, gradients, d_norm, Into::add);
}

}  // namespace posttrain::model
