#include "model/moe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace posttrain::model {
namespace {

void scores_of(const MoeShape& moe, std::span<const float> logits, float* scores) {
  if (moe.sigmoid) {
    for (const float x : logits) *scores++ = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x))));
    return;
  }
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - top);
  for (const float x : logits) *scores++ = static_cast<float>(std::exp(x - top) / sum);
}

// The indices of the `count` largest, largest first; equal values in ascending order of index.
std::vector<int> largest(const std::vector<float>& values, int count) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int a, int b) {
    const float x = values[static_cast<size_t>(a)], y = values[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + count, order.end(), before);
  order.resize(static_cast<size_t>(count));
  return order;
}

// DeepSeek-V3, section 2.1.2: choose by score + bias, only within the groups whose best two experts add up highest.
std::vector<int> choose(const MoeShape& moe, std::span<const float> scores, std::span<const float> bias) {
  std::vector<float> choice(scores.begin(), scores.end());
  for (size_t e = 0; e < bias.size(); ++e) choice[e] += bias[e];
  if (moe.groups > 1) {
    const size_t size = choice.size() / static_cast<size_t>(moe.groups);
    std::vector<float> strength;
    for (size_t g = 0; g < static_cast<size_t>(moe.groups); ++g) {
      const std::vector<float> group(choice.begin() + static_cast<std::ptrdiff_t>(g * size),
                                     choice.begin() + static_cast<std::ptrdiff_t>((g + 1) * size));
      float sum = 0;
      for (const int e : largest(group, std::min<int>(2, static_cast<int>(size)))) sum += group[static_cast<size_t>(e)];
      strength.push_back(sum);
    }
    std::vector<bool> open(strength.size());
    for (const int g : largest(strength, moe.top_groups)) open[static_cast<size_t>(g)] = true;
    for (size_t e = 0; e < choice.size(); ++e) {
      if (!open[e / size]) choice[e] = -INFINITY;
    }
  }
  return largest(choice, moe.per_token);
}

}  // namespace

Routing route(const MoeShape& moe, std::span<const float> logits, std::span<const float> bias) {
  const auto experts = static_cast<size_t>(moe.experts);
  const size_t rows = logits.size() / experts;
  Routing r;
  r.scores.resize(logits.size());
  std::vector<std::vector<std::pair<int32_t, float>>> visits(experts);  // by expert: row and weight
  for (size_t row = 0; row < rows; ++row) {
    float* scores = r.scores.data() + row * experts;
    scores_of(moe, logits.subspan(row * experts, experts), scores);
    const std::vector<int> chosen = choose(moe, {scores, experts}, bias);
    double sum = 0;
    for (const int e : chosen) sum += scores[e];
    const double factor = moe.normalize ? moe.scale / (sum + (moe.sigmoid ? 1e-20 : 0)) : moe.scale;
    for (const int e : chosen) {
      visits[static_cast<size_t>(e)].emplace_back(static_cast<int32_t>(row), static_cast<float>(scores[e] * factor));
    }
  }
  r.begin.push_back(0);
  for (const auto& list : visits) {
    for (const auto& [row, weight] : list) {
      r.index.push_back(row);
      r.scale.push_back(weight);
    }
    r.begin.push_back(static_cast<int32_t>(r.index.size()));
  }
  return r;
}

std::vector<float> route_backward(const MoeShape& moe, const Routing& r, std::span<const float> dscale) {
  const auto experts = static_cast<size_t>(moe.experts);
  const size_t rows = r.scores.size() / experts;
  // d loss / d score: zero where a row did not go.
  std::vector<double> d(r.scores.size()), sum(rows), weighted(rows);
  const auto visit = [&](auto&& body) {
    for (size_t e = 0; e < experts; ++e) {
      for (auto i = static_cast<size_t>(r.begin[e]); i < static_cast<size_t>(r.begin[e + 1]); ++i) {
        body(static_cast<size_t>(r.index[i]), e, i);
      }
    }
  };
  visit([&](size_t row, size_t e, size_t i) {
    const double score = r.scores[row * experts + e];
    sum[row] += score;
    weighted[row] += score * dscale[i];
  });
  visit([&](size_t row, size_t e, size_t i) {
    double ds = dscale[i];
    if (moe.normalize) ds = (ds - weighted[row] / sum[row]) / sum[row];
    d[row * experts + e] = ds * moe.scale;
  });
  std::vector<float> dlogits(r.scores.size());
  for (size_t row = 0; row < rows; ++row) {
    const float* s = r.scores.data() + row * experts;
    double mean = 0;  // softmax only: sum of score * d
    for (size_t e = 0; e < experts; ++e) mean += s[e] * d[row * experts + e];
    for (size_t e = 0; e < experts; ++e) {
      const double ds = d[row * experts + e];
      const double slope = moe.sigmoid ? s[e] * (1 - static_cast<double>(s[e])) * ds : s[e] * (ds - mean);
      dlogits[row * experts + e] = static_cast<float>(slope);
    }
  }
  return dlogits;
}

}  // namespace posttrain::model
