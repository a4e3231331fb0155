// Shared by the tests of nn: random data, double-precision references, comparisons.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/rng.h"
#include "nn/cpu/cpu.h"

namespace posttrain::nn {

using Floats = std::vector<float>;

inline Floats random_floats(size_t count, uint64_t seed, double scale = 1) {
  Rng rng({seed, 17});
  Floats x(count);
  for (float& v : x) v = static_cast<float>(rng.normal() * scale);
  return x;
}

// `count` heads side by side in rows of x, `stride` floats apart (0: without a gap).
inline Heads heads(const Floats& x, int64_t rows, int count, int width, int64_t stride = 0) {
  return {const_cast<float*>(x.data()), rows, stride > 0 ? stride : int64_t{count} * width, count, width};
}

// Same bits; NaN equals NaN of the same bits.
inline bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

inline double max_abs_difference(const Floats& a, const Floats& b) {
  EXPECT_EQ(a.size(), b.size());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= worst)) worst = d;
  }
  return worst;
}

// Checks d loss / d x by central differences, where loss = sum of weights * fn(x) in double. `step` suits float32.
inline void expect_gradient(const Floats& x, const Floats& gradient, const std::function<double(const Floats&)>& loss,
                            double step, double tolerance, size_t stride = 1) {
  ASSERT_EQ(x.size(), gradient.size());
  double scale = 1e-3;
  for (const float g : gradient) scale = std::max(scale, std::abs(static_cast<double>(g)));
  for (size_t i = 0; i < x.size(); i += stride) {
    Floats up = x, down = x;
    up[i] = static_cast<float>(static_cast<double>(x[i]) + step);
    down[i] = static_cast<float>(static_cast<double>(x[i]) - step);
    const double width = static_cast<double>(up[i]) - static_cast<double>(down[i]);
    const double slope = (loss(up) - loss(down)) / width;
    ASSERT_NEAR(slope, static_cast<double>(gradient[i]), tolerance * scale) << "element " << i;
  }
}

inline double weighted_sum(const Floats& y, const Floats& weights) {
  double s = 0;
  for (size_t i = 0; i < y.size(); ++i) s += static_cast<double>(y[i]) * static_cast<double>(weights[i]);
  return s;
}

inline std::unique_ptr<Weight> weight_of(Backend& backend, int64_t out, int64_t in, const Floats& values,
                                         DType stored = DType::f32, Use use = Use::training) {
  auto w = backend.make_weight(out, in, stored, use);
  backend.load_rows(*w, 0, out, values.data(), DType::f32);
  return w;
}

// Every instruction set this machine has, and both 1 and 2 threads.
struct Machine {
  Isa isa;
  int threads;
};

inline std::vector<Machine> machines() {
  std::vector<Machine> all;
  for (const Isa isa : available_isas()) {
    for (const int threads : {1, 2}) all.push_back({isa, threads});
  }
  return all;
}

// Runs fn with each machine and expects the same bits from all; returns them.
inline Floats same_on_all_machines(const std::function<Floats(Backend&)>& fn) {
  Floats first;
  for (const Machine& m : machines()) {
    set_compute_threads(m.threads);
    const auto backend = make_cpu_backend(CpuOptions{.isa = m.isa});
    const Floats result = fn(*backend);
    if (m.isa == Isa::generic && m.threads == 1) {
      first = result;
    } else {
      EXPECT_TRUE(same_bits(first, result))
          << isa_name(m.isa) << " with " << m.threads << " threads, differs by " << max_abs_difference(first, result);
    }
  }
  set_compute_threads(0);
  return first;
}

}  // namespace posttrain::nn
