// The pieces that block.cpp, latent_attention.cpp and sparse_mlp.cpp share. Internal to model/.
#pragma once

#include "model/block.h"
#include "model/lora.h"

namespace posttrain::model {

inline nn::Heads rows_of(const float* data, int64_t rows, int64_t width) {
  return {const_cast<float*>(data), rows, width, 1, static_cast<int>(width)};
}

// y[M, out] = x[M, in] w^T + bias
inline void project(const Net& net, int64_t M, const float* x, const Matrix& w, const Vector& bias, float* y,
                    nn::Into into) {
  net.backend.linear(M, x, *w.weight, net.weights.at(bias), y, into);
}

// Adds to the gradients of w and bias; dx[M, in] as `into` says.
inline void project_backward(const Net& net, int64_t M, const float* dy, const float* x, const Matrix& w,
                             const Vector& bias, Gradients gradients, float* dx, nn::Into into) {
  if (gradients.arena) net.backend.linear_dw(M, w.out, w.in, dy, x, gradients.at(w), gradients.at(bias));
  if (gradients.lora) gradients.lora->accumulate(w, M, dy, x);
  net.backend.linear_dx(M, dy, *w.weight, dx, into);
}

// Attention over the packed batch or the paged cache, whichever the pass has.
void attend(const Net& net, const Pass& pass, int layer, nn::Heads q, nn::Heads k, nn::Heads v, nn::Heads out,
            float* stats);

// attend() backward: dq is overwritten, dk and dv, zero before, are added to. All have the rows of the forward, of
// which the first pass.rows are trained; what other batches give to the keys and values of a prompt goes through
// pass.carry.
void attend_backward(const Net& net, const Pass& pass, int layer, nn::Heads q, nn::Heads k, nn::Heads v, nn::Heads out,
                     const float* stats, nn::Heads dout, nn::Heads dq, nn::Heads dk, nn::Heads dv);

// From s.norm to s.attention, and from d_attention to d_norm.
void latent_attention_forward(const Net& net, const Pass& pass, int layer, BlockState& s, Workspace& ws);
void latent_attention_backward(const Net& net, const Pass& pass, int layer, const BlockState& s, Gradients gradients,
                               float* d_attention, float* d_norm, Workspace& ws);

// out += experts(s.mlp_norm), and from dout to d_norm.
void sparse_mlp_forward(const Net& net, int64_t M, int layer, BlockState& s, float* out, Workspace& ws);
void sparse_mlp_backward(const Net& net, const Pass& pass, int layer, const BlockState& s, Gradients gradients,
                         const float* dout, float* d_norm, Workspace& ws);

}  // namespace posttrain::model
