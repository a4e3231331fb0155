// What the benchmarks share: the shapes, how a time is taken, and how a result is printed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/json.h"
#include "model/arch.h"

namespace posttrain::cli {

// tiny-89k, tiny-1m or smollm2-135m; throws Error for another name.
model::Arch bench_arch(const std::string& shape);

// Multiplications of one token through all matrices, the head included: 2 of them are one forward's FLOPs.
int64_t bench_products(const model::Arch& arch);

// Seconds of each run of `body`, sorted.
struct Timing {
  double median, shortest, longest;
  int64_t runs;
};
Timing time_runs(int64_t runs, const std::function<void()>& body);

// GFLOP/s that all compute threads reach in registers.
double probed_peak();

// Adds times, tokens/s, GFLOP/s and the share of the probed peak to `result` and prints it: as one JSON object, or as
// a line for people.
void print_bench(Json result, const Timing& timing, double tokens, double flops, double peak, bool json);

}  // namespace posttrain::cli
