// The optimizer: element-wise steps, and the sum of squares as partial sums of fixed blocks added in order.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "nn/cpu/backend.h"
#include "nn/cpu/moments.h"

namespace posttrain::nn::cpu {

namespace {

AdamWJob job_of(const AdamW& s) {
  const auto t = static_cast<double>(s.step);
  return {.lr = s.lr,
          .beta1 = s.beta1,
          .beta2 = s.beta2,
          .eps = s.eps,
          .decay = s.weight_decay,
          .gradient_scale = s.gradient_scale,
          .correction1 = static_cast<float>(1 - std::pow(static_cast<double>(s.beta1), t)),
          .correction2_root = static_cast<float>(std::sqrt(1 - std::pow(static_cast<double>(s.beta2), t)))};
}

}  // namespace

void CpuBackend::adamw(const AdamW& s, size_t count, float* param, const float* gradient, float* m, float* v) {
  const AdamWJob job = job_of(s);
  parallel_for(static_cast<ptrdiff_t>(count), 16384, [&](ptrdiff_t begin, ptrdiff_t end) {
    kernels_.adamw(job, end - begin, param + begin, gradient + begin, m + begin, v + begin);
  });
}

void CpuBackend::adamw_packed(const AdamW& s, MomentType type, size_t count, float* param, const float* gradient,
                              std::byte* m, std::byte* v) {
  const AdamWJob job = job_of(s);
  const auto blocks = static_cast<ptrdiff_t>((count + kMomentBlock - 1) / kMomentBlock);
  const size_t bytes = moment_bytes(type, kMomentBlock);
  parallel_for(blocks, 64, [&](ptrdiff_t begin, ptrdiff_t end) {
    alignas(64) float mean[kMomentBlock], square[kMomentBlock];
    for (auto b = static_cast<size_t>(begin); b < static_cast<size_t>(end); ++b) {
      const size_t at = b * kMomentBlock, n = std::min(kMomentBlock, count - at);
      const uint64_t key = (static_cast<uint64_t>(s.step) * 0x9E3779B97F4A7C15u) ^ (b * 0xBF58476D1CE4E5B9u);
      unpack_moments(type, Moment::mean, m + b * bytes, n, mean);
      unpack_moments(type, Moment::square, v + b * bytes, n, square);
      kernels_.adamw(job, static_cast<int64_t>(n), param + at, gradient + at, mean, square);
      pack_moments(type, Moment::mean, key, mean, n, m + b * bytes);
      pack_moments(type, Moment::square, ~key, square, n, v + b * bytes);
    }
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
