// Softmax rows from their blocks, and the filters of sampling.
#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/cpu/classifier.h"

namespace posttrain::nn::cpu {

double SoftmaxRow::lse() const {
  return static_cast<double>(maximum) + std::log(mass);
}

float SoftmaxRow::logp(float z) const {
  return static_cast<float>(static_cast<double>(z) - lse());
}

float SoftmaxRow::entropy() const {
  return static_cast<float>(std::log(mass) - weighted / mass);
}

SoftmaxRow merge_blocks(int64_t blocks, const float* stats) {
  SoftmaxRow row;
  row.maximum = stats[0];
  for (int64_t b = 1; b < blocks; ++b) {
    const float top = stats[b * kStatsPerBlock];
    if (!(top <= row.maximum)) row.maximum = top;  // a NaN stays
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const float* s = stats + b * kStatsPerBlock;
    const double below = static_cast<double>(s[0]) - static_cast<double>(row.maximum), factor = std::exp(below);
    row.mass += static_cast<double>(s[1]) * factor;
    row.weighted += (static_cast<double>(s[2]) + below * static_cast<double>(s[1])) * factor;
  }
  return row;
}

SoftmaxRow softmax_of_kept(const KernelTable& kernels, std::span<const float> z) {
  SoftmaxRow row;
  row.maximum = z[0];
  for (const float v : z) {
    if (!(v <= row.maximum)) row.maximum = v;
  }
  row.mass = static_cast<double>(kernels.exp_sum(static_cast<int64_t>(z.size()), row.maximum, z.data()));
  return row;
}

bool filters(const SamplingFilter& filter, int64_t columns) {
  return filter.temperature > 0 &&
         ((filter.top_k > 0 && filter.top_k < columns) || filter.top_p < 1 || filter.min_p > 0);
}

std::vector<int32_t> surviving_ids(std::span<const float> z, const SoftmaxRow& softmax, const SamplingFilter& filter) {
  std::vector<int32_t> ids(z.size());
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  if (std::isnan(softmax.mass)) return ids;  // no order to filter by; the NaN shows in logp
  const float top = softmax.maximum;
  const auto at = [&](int32_t id) { return z[static_cast<size_t>(id)]; };
  if (filter.top_k > 0 && static_cast<size_t>(filter.top_k) < z.size()) {
    std::vector<float> sorted(z.begin(), z.end());
    const auto kth = sorted.begin() + (filter.top_k - 1);
    std::nth_element(sorted.begin(), kth, sorted.end(), std::greater<>());
    std::erase_if(ids, [&, least = *kth](int32_t id) { return at(id) < least; });
  }
  if (filter.top_p < 1) {
    double mass = 0;
    for (const int32_t id : ids) mass += std::exp(static_cast<double>(at(id)) - static_cast<double>(top));
    // A heap gives the likeliest first without sorting the whole row.
    const auto less_likely = [&](int32_t a, int32_t b) { return at(a) != at(b) ? at(a) < at(b) : a > b; };
    std::make_heap(ids.begin(), ids.end(), less_likely);
    auto end = ids.end();
    double reached = 0;
    const double enough = static_cast<double>(filter.top_p) * mass;
    do {
      std::pop_heap(ids.begin(), end, less_likely);
      --end;
      reached += std::exp(static_cast<double>(at(*end)) - static_cast<double>(top));
    } while (end != ids.begin() && reached < enough);
    ids.erase(ids.begin(), end);
    std::sort(ids.begin(), ids.end());
  }
  if (filter.min_p > 0) {
    const double least = std::min(1.0, static_cast<double>(filter.min_p));
    std::erase_if(ids,
                  [&](int32_t id) { return std::exp(static_cast<double>(at(id)) - static_cast<double>(top)) < least; });
  }
  return ids;
}

}  // namespace posttrain::nn::cpu
