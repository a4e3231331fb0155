#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace posttrain::model {
namespace {

// Llama 3.1: long waves are slowed by `factor`, short ones kept, those between blended.
double llama3(const RopeScaling& r, double frequency) {
  const double wave = 2 * std::numbers::pi / frequency;
  const double low = r.original_max_positions / r.low_freq_factor;
  const double high = r.original_max_positions / r.high_freq_factor;
  if (wave < high) return frequency;
  if (wave > low) return frequency / r.factor;
  const double blend = (r.original_max_positions / wave - r.low_freq_factor) / (r.high_freq_factor - r.low_freq_factor);
  return (1 - blend) * frequency / r.factor + blend * frequency;
}

// YaRN (Peng et al. 2023, section 3.2): a ramp over the dimensions between `beta_fast` and `beta_slow` turns.
struct Yarn {
  double low, high;

  Yarn(const RopeScaling& r, int dim, double theta) {
    const auto dimension = [&](double turns) {
      return dim * std::log(r.original_max_positions / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
    };
    low = dimension(r.beta_fast);
    high = dimension(r.beta_slow);
    if (r.truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, dim - 1.0);
    if (low == high) high += 0.001;
  }
  double operator()(const RopeScaling& r, double frequency, int i) const {
    const double keep = 1 - std::clamp((i - low) / (high - low), 0.0, 1.0);
    return frequency / r.factor * (1 - keep) + frequency * keep;
  }
};

double yarn_magnitude(const RopeScaling& r) {
  const auto mscale = [&](double m) { return r.factor <= 1 ? 1.0 : 0.1 * m * std::log(r.factor) + 1; };
  if (r.attention_factor > 0) return r.attention_factor;
  if (r.mscale > 0 && r.mscale_all_dim > 0) return mscale(r.mscale) / mscale(r.mscale_all_dim);
  return mscale(1);
}

}  // namespace

RopeTables::RopeTables(const Arch& arch) : frequencies_(static_cast<size_t>(arch.rotary_dim / 2)) {
  const RopeScaling& r = arch.rope;
  const Yarn yarn(r, arch.rotary_dim, arch.rope_theta);
  for (int i = 0; i < pairs(); ++i) {
    double f = 1 / std::pow(arch.rope_theta, 2.0 * i / arch.rotary_dim);
    if (r.kind == RopeKind::linear) f /= r.factor;
    if (r.kind == RopeKind::llama3) f = llama3(r, f);
    if (r.kind == RopeKind::yarn) f = yarn(r, f, i);
    frequencies_[static_cast<size_t>(i)] = static_cast<float>(f);
  }
  if (r.kind == RopeKind::yarn) magnitude_ = yarn_magnitude(r);
}

void RopeTables::cover(nn::Backend& backend, int64_t count) {
  if (count <= covered_) return;
  const int64_t positions = std::max<int64_t>({count, 2 * covered_, 256});
  std::vector<float> cos, sin;
  cos.reserve(static_cast<size_t>(positions) * frequencies_.size());
  sin.reserve(cos.capacity());
  for (int64_t p = 0; p < positions; ++p) {
    for (const float f : frequencies_) {
      // The angle is rounded to float32, as the reference implementations do.
      const double angle = static_cast<float>(p) * f;
      cos.push_back(static_cast<float>(std::cos(angle) * magnitude_));
      sin.push_back(static_cast<float>(std::sin(angle) * magnitude_));
    }
  }
  cos_ = backend.alloc(cos.size() * sizeof(float));
  sin_ = backend.alloc(sin.size() * sizeof(float));
  backend.to_device(cos_.data(), cos.data(), cos.size() * sizeof(float));
  backend.to_device(sin_.data(), sin.data(), sin.size() * sizeof(float));
  covered_ = positions;
}

}  // namespace posttrain::model
