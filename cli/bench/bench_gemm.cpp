// Times the matrix products of a model's layers beside OpenBLAS.
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/arguments.h"
#include "cli/bench/bench.h"
#include "nn/measure.h"

namespace posttrain::cli {
namespace {

struct BenchGemmGiven {
  std::string shape = "all";
  int64_t rows = 0, repeats = 5;
  double seconds = 0.05;
  bool backward = false, json = false;
};

void print_figure(const nn::ProductFigure& f, const nn::MachineFigure& machine, bool json) {
  if (json) {
    Json line;
    line["bench"] = "gemm";
    line["shape"] = f.shape;
    line["product"] = f.product;
    line["pass"] = f.pass;
    line["rows"] = f.rows;
    line["out"] = f.out;
    line["in"] = f.in;
    line["gflops"] = f.gflops;
    line["openblas_gflops"] = f.openblas_gflops;
    line["speedup"] = f.gflops / f.openblas_gflops;
    line["share_of_peak"] = f.peak_share;
    line["share_of_roofline"] = f.roofline_share;
    line["peak_gflops"] = machine.peak_gflops;
    line["threads"] = machine.threads;
    line["kernels"] = machine.kernels;
    line["openblas_core"] = machine.openblas_core;
    std::printf("%s\n", to_line(line).c_str());
  } else {
    std::printf(
        "%-13s %-8s %-8s rows %5lld: %7.1f GFLOP/s, %3.0f%% of the peak, %3.0f%% of the roofline; OpenBLAS %7.1f\n",
        f.shape.c_str(), f.product.c_str(), f.pass.c_str(), static_cast<long long>(f.rows), f.gflops,
        100 * f.peak_share, 100 * f.roofline_share, f.openblas_gflops);
  }
  std::fflush(stdout);
}

}  // namespace

Action bench_gemm_command(Arguments& args) {
  auto given = std::make_shared<BenchGemmGiven>();
  args.option("--shape", given->shape, "tiny-89k, tiny-1m, smollm2-135m or all");
  args.option("--rows", given->rows, "Rows of the left operand (0: 1, 2, 4, 8, 16, 32, 64, 256 and 1024)",
              {.min = 0, .max = 1 << 24});
  args.option("--repeats", given->repeats, "Rounds, ours and OpenBLAS in turn; the median counts",
              {.min = 1, .max = 1 << 20});
  args.option("--seconds", given->seconds, "Least time for one cell of the table", {.min = 0, .max = 3600});
  args.flag("--backward", given->backward, "The gradients dx and dw too");
  args.flag("--json", given->json, "One JSON object a cell");
  args.example("posttrain bench gemm --shape smollm2-135m --json");
  return [given] {
    if (given->repeats < 1) throw Error("bench", "--repeats", "at least 1", std::to_string(given->repeats));
    if (given->rows < 0) throw Error("bench", "--rows", "0 or more", std::to_string(given->rows));
    nn::MeasureOptions options;
    options.repeats = static_cast<int>(given->repeats);
    options.seconds = given->seconds;
    options.backward = given->backward;
    if (given->rows > 0) options.rows = {given->rows};
    if (given->shape != "all") (void)bench_arch(given->shape);
    const nn::MachineFigure machine = nn::measure_machine();
    for (const nn::ModelShape& shape : nn::bench_shapes()) {
      if (given->shape != "all" && given->shape != shape.name) continue;
      nn::measure_products(shape, options, [&](const nn::ProductFigure& f) { print_figure(f, machine, given->json); });
    }
    return 0;
  };
}

}  // namespace posttrain::cli
