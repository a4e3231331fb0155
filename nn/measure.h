// Measures the CPU backend's matrix products against this machine's probed peaks and against OpenBLAS.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace posttrain::nn {

// A model's matrices [out, in], as many copies of each as it has layers.
struct ProductShape {
  std::string name;
  int64_t out, in;
  int layers;
};
struct ModelShape {
  std::string name;  // tiny-89k, tiny-1m, smollm2-135m
  std::vector<ProductShape> products;
};
std::span<const ModelShape> bench_shapes();

// Medians over at least `repeats` alternating rounds, own and OpenBLAS in turn. The layers' copies are gone through in
// order, so weights come from where a real step finds them: from memory when the model is larger than the caches.
struct ProductFigure {
  std::string shape, product, pass;  // pass: forward, dx or dw
  int64_t rows, out, in;
  double gflops, openblas_gflops;
  // Medians over the rounds, each beside probes of its own moment: a shared machine's speed drifts.
  double peak_share;      // of the FMA probe
  double roofline_share;  // of the smaller of the FMA probe and what the read bandwidth allows
};
struct MachineFigure {
  std::string kernels, openblas_core;
  int threads;
  double peak_gflops;
};

struct MeasureOptions {
  std::vector<int64_t> rows = {1, 2, 4, 8, 16, 32, 64, 256, 1024};
  int repeats = 5;
  double seconds = 0.05;  // least time of one round of one cell
  bool backward = false;  // dx and dw too
};

MachineFigure measure_machine();
// What all threads of this machine reach together at this moment with independent multiply-adds, in GFLOP/s.
double probe_peak();
// Calls `report` with each figure as it is found.
void measure_products(const ModelShape& shape, const MeasureOptions& options,
                      const std::function<void(const ProductFigure&)>& report);

}  // namespace posttrain::nn
