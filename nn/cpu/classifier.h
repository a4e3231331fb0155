// The head's softmax in pieces: sums per block of 128 columns, merged in column order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/backend.h"
#include "nn/cpu/kernels/table.h"

namespace posttrain::nn::cpu {

inline int64_t head_blocks(int64_t columns) {
  return (columns + kHeadBlock - 1) / kHeadBlock;
}

// A row's distribution: maximum z, sum of e^(z - maximum), and sum of e^(z - maximum) (z - maximum).
struct SoftmaxRow {
  float maximum = 0;
  double mass = 0, weighted = 0;

  double lse() const;
  float logp(float z) const;  // the one way a log-probability is formed
  float entropy() const;
};

// From the statistics of all blocks, ascending.
SoftmaxRow merge_blocks(int64_t blocks, const float* stats);
// Over a row's kept tokens only, given their z in ascending order of id.
SoftmaxRow softmax_of_kept(const KernelTable& kernels, std::span<const float> z);

// The ids that survive a filter, ascending; z is the whole row at the filter's temperature, `softmax` its sums. A NaN
// in z keeps everything.
//   1. top_k: z at least the k-th largest (ties survive);
//   2. top_p: of those, renormalised, the fewest likeliest whose probabilities reach top_p (equal ones: lower id
//   first);
//   3. min_p: of those, the ones at least min_p times as likely as the likeliest.
// The likeliest token always survives. Holtzman et al. 2020 (top_p), Nguyen et al. 2024 (min_p).
std::vector<int32_t> surviving_ids(std::span<const float> z, const SoftmaxRow& softmax, const SamplingFilter& filter);
bool filters(const SamplingFilter& filter, int64_t columns);

}  // namespace posttrain::nn::cpu
