// What the benchmarks share: the shapes, how a time is taken, and how a result is printed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/bench/neighbours.h"
#include "model/arch.h"

namespace posttrain::cli {

// tiny-89k, tiny-1m or smollm2-135m; throws Error for another name.
model::Arch bench_arch(const std::string& shape);

// Multiplications of one token through all matrices, the head included: 2 of them are one forward's FLOPs.
int64_t bench_products(const model::Arch& arch);

// Each run's seconds, and the GFLOP/s that all compute threads reach in registers, probed beside it: the clock rate and
// the neighbours of a shared machine change from one second to the next, so only figures of the same moment compare.
struct Timing {
  std::vector<double> seconds, peaks;
  std::vector<double> beside;  // each run again with the neighbours busy
};
Timing time_runs(int64_t runs, const std::function<void()>& body, Neighbours* neighbours = nullptr);

// Adds median times and their spread, tokens/s, GFLOP/s and the median share of the probed peak to `result` and prints
// it: as one JSON object, or as a line for people. `tokens` and `flops` are those of one run.
void print_bench(Json result, const Timing& timing, double tokens, double flops, bool json);

}  // namespace posttrain::cli
