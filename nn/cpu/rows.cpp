// Moving and multiplying rows and heads: what sparse and latent layers need besides products.
#include <cstring>

#include "base/parallel.h"
#include "nn/cpu/backend.h"

namespace posttrain::nn::cpu {

void CpuBackend::copy_heads(int64_t rows, int heads, int width, Slices from, Slices to, Into into) {
  const auto floats = static_cast<size_t>(width);
  const ptrdiff_t grain = 1 + 16384 / (int64_t{heads} * width);
  parallel_for(rows, grain, [&](ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t m = begin; m < end; ++m) {
      for (int h = 0; h < heads; ++h) {
        const float* source = from.data + m * from.row_stride + h * from.head_stride;
        float* target = to.data + m * to.row_stride + h * to.head_stride;
        if (into == Into::overwrite) {
          std::memcpy(target, source, floats * sizeof(float));
        } else {
          for (size_t i = 0; i < floats; ++i) target[i] += source[i];
        }
      }
    }
  });
}

std::vector<float> CpuBackend::row_dots(int64_t rows, int64_t D, const float* x, const float* y) {
  std::vector<float> result(static_cast<size_t>(rows));
  parallel_for(rows, 1 + 16384 / D, [&](ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t m = begin; m < end; ++m) {
      double sum = 0;
      for (int64_t d = 0; d < D; ++d) sum += static_cast<double>(x[m * D + d]) * static_cast<double>(y[m * D + d]);
      result[static_cast<size_t>(m)] = static_cast<float>(sum);
    }
  });
  return result;
}

}  // namespace posttrain::nn::cpu
