// Embedding, norms, rotary embedding, gated activations and row moves: rows are split among threads; sums over rows are
// split by column, each one chain in row order.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/cpu/backend.h"

namespace posttrain::nn::cpu {
namespace {

// Rows worth a thread of their own when each costs about `floats` steps.
ptrdiff_t row_grain(int64_t floats) {
  return std::max<ptrdiff_t>(1, 16384 / std::max<int64_t>(floats, 1));
}

// Calls fn(begin, end) over columns, in multiples of 16, split among threads when the matrix is large.
template <class Fn>
void split_columns(int64_t rows, int64_t columns, const Fn& fn) {
  const int64_t lanes = (columns + 15) / 16;
  parallel_for(lanes, row_grain(rows * 16),
               [&](ptrdiff_t begin, ptrdiff_t end) { fn(begin * 16, std::min<int64_t>(end * 16, columns)); });
}

Strided strided(const Heads& h) {
  return {h.data, h.stride, h.width};
}

}  // namespace

void CpuBackend::embed(std::span<const int32_t> ids, const Weight& weight, float scale, float* h) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  parallel_for(static_cast<ptrdiff_t>(ids.size()), row_grain(w.in * 4), [&](ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t i = begin; i < end; ++i) {
      PT_ASSERT(ids[i] >= 0 && ids[i] < w.out, ids[i], w.out);
      read_row(w, ids[i], h + i * w.in);
      if (scale != 1) kernels_.scale(w.in, scale, h + i * w.in, h + i * w.in);
    }
  });
}

void CpuBackend::embed_backward(std::span<const int32_t> ids, int64_t D, float scale, const float* dh, float* dw) {
  split_columns(static_cast<int64_t>(ids.size()), D, [&](int64_t begin, int64_t end) {
    for (size_t i = 0; i < ids.size(); ++i) {
      kernels_.scale_add(end - begin, scale, dh + static_cast<int64_t>(i) * D + begin, dw + ids[i] * D + begin);
    }
  });
}

void CpuBackend::rmsnorm(Heads x, const float* w, float offset, float eps, Heads y, float* inv_rms) {
  PT_ASSERT(x.rows == y.rows && x.heads == y.heads && x.width == y.width, x.rows, y.rows, x.width, y.width);
  parallel_for(x.rows, row_grain(int64_t{x.heads} * x.width * 2), [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.rmsnorm({begin, end, x.heads, x.width}, strided(x), w, offset, eps, strided(y), inv_rms);
  });
}

void CpuBackend::rmsnorm_backward(Heads dy, Heads x, const float* w, float offset, const float* inv_rms, Heads dx,
                                  Into into, float* dw) {
  if (dw) {
    split_columns(x.rows * x.heads, x.width, [&](int64_t begin, int64_t end) {
      kernels_.rmsnorm_dw(x.rows, x.heads, static_cast<int>(begin), static_cast<int>(end), strided(dy), strided(x),
                          inv_rms, dw);
    });
  }
  parallel_for(x.rows, row_grain(int64_t{x.heads} * x.width * 3), [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.rmsnorm_dx({begin, end, x.heads, x.width}, strided(dy), strided(x), w, offset, inv_rms, strided(dx),
                        into == Into::add);
  });
}

void CpuBackend::rope(Heads x, std::span<const int32_t> positions, const float* cos, const float* sin, int pairs,
                      bool interleaved, int direction) {
  PT_ASSERT(static_cast<int64_t>(positions.size()) == x.rows && 2 * pairs <= x.width, positions.size(), x.rows, pairs);
  parallel_for(x.rows, row_grain(int64_t{x.heads} * pairs * 2), [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.rope({begin, end, x.heads, x.width}, strided(x), positions.data(), cos, sin, pairs, interleaved,
                  static_cast<float>(direction));
  });
}

void CpuBackend::gated(Activation act, int64_t M, int64_t F, const float* gate_up, float* y) {
  parallel_for(M, row_grain(F * 4), [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.gated(act == Activation::gelu_tanh, begin, end, F, gate_up, y);
  });
}

void CpuBackend::gated_backward(Activation act, int64_t M, int64_t F, const float* gate_up, const float* dy,
                                float* dgate_up) {
  parallel_for(M, row_grain(F * 6), [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.gated_backward(act == Activation::gelu_tanh, begin, end, F, gate_up, dy, dgate_up);
  });
}

void CpuBackend::gather_rows(std::span<const int32_t> index, int64_t D, const float* x, float* y) {
  parallel_for(static_cast<ptrdiff_t>(index.size()), row_grain(D), [&](ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t i = begin; i < end; ++i) {
      std::memcpy(y + i * D, x + index[i] * D, static_cast<size_t>(D) * sizeof(float));
    }
  });
}

void CpuBackend::scatter_add_rows(std::span<const int32_t> index, std::span<const float> scale, int64_t D,
                                  const float* y, float* x) {
  PT_ASSERT(scale.empty() || scale.size() == index.size(), scale.size(), index.size());
  split_columns(static_cast<int64_t>(index.size()), D, [&](int64_t begin, int64_t end) {
    for (size_t i = 0; i < index.size(); ++i) {
      kernels_.scale_add(end - begin, scale.empty() ? 1.0f : scale[i], y + static_cast<int64_t>(i) * D + begin,
                         x + index[i] * D + begin);
    }
  });
}

}  // namespace posttrain::nn::cpu
