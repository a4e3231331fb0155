// The optimizer: element-wise steps, and the sum of squares as partial sums of fixed blocks added in order.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "nn/cpu/backend.h"

namespace posttrain::nn::cpu {

void CpuBackend::adamw(const AdamW& s, size_t count, float* param, const float* gradient, float* m, float* v) {
  const double t = static_cast<double>(s.step);
  const AdamWJob job{.lr = s.lr,
                     .beta1 = s.beta1,
                     .beta2 = s.beta2,
                     .eps = s.eps,
                     .decay = s.weight_decay,
                     .gradient_scale = s.gradient_scale,
                     .correction1 = static_cast<float>(1 - std::pow(static_cast<double>(s.beta1), t)),
                     .correction2_root = static_cast<float>(std::sqrt(1 - std::pow(static_cast<double>(s.beta2), t)))};
  parallel_for(static_cast<ptrdiff_t>(count), 16384, [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.adamw(job, end - begin, param + begin, gradient + begin, m + begin, v + begin);
  });
}

double CpuBackend::sum_squares(size_t count, const float* x) {
  constexpr ptrdiff_t kBlock = 8192;
  const auto n = static_cast<ptrdiff_t>(count);
  std::vector<double> partial(static_cast<size_t>((n + kBlock - 1) / kBlock));
  parallel_for(static_cast<ptrdiff_t>(partial.size()), 2, [&](ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t b = begin; b < end; ++b) {
      partial[static_cast<size_t>(b)] = kernels_.sum_squares(std::min(kBlock, n - b * kBlock), x + b * kBlock);
    }
  });
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

}  // namespace posttrain::nn::cpu
