#include "nn/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/median.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "nn/cpu/blas.h"
#include "nn/cpu/cpu.h"

namespace posttrain::nn {
namespace {

double seconds_of(const std::function<void()>& fn) {
  const Clock clock;
  fn();
  return clock.seconds();
}

constexpr double kCacheBytes = 4e6;

// OpenBLAS's threads go on spinning after a call, for 2^28 cycles; what is ours must not be measured beside them.
void let_openblas_sleep() {
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
}

void fill_random(Buffer& buffer, uint64_t seed) {
  Rng rng({seed});
  const size_t count = buffer.bytes() / sizeof(float);
  for (size_t i = 0; i < count; ++i) buffer.f32()[i] = static_cast<float>(rng.uniform() - 0.5);
}

Isa chosen_isa(const Backend& backend) {
  for (const Isa isa : available_isas()) {
    if (backend.name() == "cpu-" + isa_name(isa)) return isa;
  }
  return Isa::generic;
}

// One product of one shape with its copies, ours and OpenBLAS's.
class Cell {
 public:
  Cell(Backend& backend, const ProductShape& p, int64_t most_rows)
      : backend_(backend), p_(p), plain_(static_cast<size_t>(p.layers)) {
    Buffer values = backend.alloc(bytes(p.out * p.in));
    fill_random(values, 1);
    for (int i = 0; i < p.layers; ++i) {
      own_.push_back(backend.make_weight(p.out, p.in, DType::f32, Use::training));
      backend.load_rows(*own_.back(), 0, p.out, values.data(), DType::f32);
      plain_[static_cast<size_t>(i)] = backend.alloc(bytes(p.out * p.in));
      backend.copy(plain_[static_cast<size_t>(i)].f32(), values.f32(), static_cast<size_t>(p.out * p.in));
    }
    x_ = backend.alloc(bytes(most_rows * p.in));
    y_ = backend.alloc(bytes(most_rows * p.out));
    fill_random(x_, 2);
    fill_random(y_, 3);
  }

  // One pass over all copies, in seconds per product.
  double own(const std::string& pass, int64_t rows) {
    return per_layer([&](size_t i) {
      if (pass == "forward") {
        backend_.linear(rows, x_.f32(), *own_[i], nullptr, y_.f32(), Into::overwrite);
      } else if (pass == "dx") {
        backend_.linear_dx(rows, y_.f32(), *own_[i], x_.f32(), Into::overwrite);
      } else {
        backend_.linear_dw(rows, p_.out, p_.in, y_.f32(), x_.f32(), plain_[i].f32(), nullptr);
      }
    });
  }
  double openblas(const std::string& pass, int64_t rows) {
    return per_layer([&](size_t i) {
      const float* w = plain_[i].f32();
      if (pass == "forward") {
        blas::multiply_nt(rows, p_.out, p_.in, x_.f32(), w, y_.f32(), false);
      } else if (pass == "dx") {
        blas::multiply_nn(rows, p_.in, p_.out, y_.f32(), w, x_.f32(), false);
      } else {
        blas::multiply_tn(p_.out, p_.in, rows, y_.f32(), x_.f32(), plain_[i].f32());
      }
    });
  }
  void refill() {
    fill_random(x_, 2);
    fill_random(y_, 3);
  }

 private:
  static size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }
  double per_layer(const std::function<void(size_t)>& fn) {
    return seconds_of([&] {
             for (size_t i = 0; i < own_.size(); ++i) fn(i);
           }) /
           static_cast<double>(own_.size());
  }

  Backend& backend_;
  const ProductShape& p_;
  std::vector<std::unique_ptr<Weight>> own_;
  std::vector<Buffer> plain_;
  Buffer x_, y_;
};

}  // namespace

std::span<const ModelShape> bench_shapes() {
  static const std::array<ModelShape, 3> shapes = {{
      {"tiny-89k",
       {{"qkv", 144, 48, 3}, {"o", 48, 48, 3}, {"gate_up", 256, 48, 3}, {"down", 48, 128, 3}, {"head", 64, 48, 1}}},
      {"tiny-1m",
       {{"qkv", 256, 128, 4},
        {"o", 128, 128, 4},
        {"gate_up", 768, 128, 4},
        {"down", 128, 384, 4},
        {"head", 128, 128, 1}}},
      {"smollm2-135m",
       {{"qkv", 960, 576, 30},
        {"o", 576, 576, 30},
        {"gate_up", 3072, 576, 30},
        {"down", 576, 1536, 30},
        {"head", 49152, 576, 1}}},
  }};
  return shapes;
}

MachineFigure measure_machine() {
  const auto backend = make_cpu_backend();
  let_openblas_sleep();
  MachineFigure figure;
  figure.kernels = backend->name();
  figure.openblas_core = blas::core();
  figure.threads = compute_threads();
  figure.peak_gflops = probe_fma_peak(chosen_isa(*backend), figure.threads);
  return figure;
}

double probe_peak() {
  return probe_fma_peak(available_isas().back(), compute_threads());
}

void measure_products(const ModelShape& shape, const MeasureOptions& options,
                      const std::function<void(const ProductFigure&)>& report) {
  const auto backend = make_cpu_backend();
  const int threads = compute_threads();
  blas::set_threads(threads);
  let_openblas_sleep();
  const Isa isa = chosen_isa(*backend);
  std::vector<std::string> passes = {"forward"};
  if (options.backward) passes.insert(passes.end(), {"dx", "dw"});
  for (const ProductShape& p : shape.products) {
    Cell cell(*backend, p, *std::max_element(options.rows.begin(), options.rows.end()));
    const double weight_bytes = static_cast<double>(p.out * p.in) * sizeof(float);
    // Weights that stay in cache are not bound by memory.
    const double all_bytes = weight_bytes * p.layers;
    struct Timing {
      int64_t rows;
      std::string pass;
      int times;
      std::vector<double> own, openblas, peak_share, roofline_share;
    };
    std::vector<Timing> timings;
    for (const int64_t rows : options.rows) {
      for (const std::string& pass : passes) {
        cell.own(pass, rows);
        const double once = cell.own(pass, rows) * p.layers;
        timings.push_back({rows,
                           pass,
                           static_cast<int>(std::clamp(options.seconds / options.repeats / once, 1.0, 1e5)),
                           {},
                           {},
                           {},
                           {}});
      }
    }
    const auto mean = [&](const Timing& t, auto run) {
      (cell.*run)(t.pass, t.rows);
      double total = 0;
      for (int i = 0; i < t.times; ++i) total += (cell.*run)(t.pass, t.rows);
      return total / t.times;
    };
    for (int round = 0; round < options.repeats; ++round) {
      const double bandwidth =
          all_bytes < kCacheBytes ? 1e9 : probe_read_bandwidth(threads, static_cast<size_t>(all_bytes));
      cell.refill();  // passes feed on each other's results, which grow
      for (Timing& t : timings) {
        const double peak = probe_fma_peak(isa, threads);
        t.own.push_back(mean(t, &Cell::own));
        const double work = 2.0 * static_cast<double>(t.rows * p.out * p.in), reached = work * 1e-9 / t.own.back();
        t.peak_share.push_back(reached / peak);
        t.roofline_share.push_back(reached / std::min(peak, work / weight_bytes * bandwidth));
      }
      cell.refill();
      for (Timing& t : timings) t.openblas.push_back(mean(t, &Cell::openblas));
      let_openblas_sleep();
    }
    for (const Timing& t : timings) {
      const double work = 2.0 * static_cast<double>(t.rows * p.out * p.in);
      ProductFigure f{shape.name, p.name, t.pass, t.rows, p.out, p.in, 0, 0, 0, 0};
      f.gflops = work * 1e-9 / median(t.own);
      f.openblas_gflops = work * 1e-9 / median(t.openblas);
      f.peak_share = median(t.peak_share);
      f.roofline_share = median(t.roofline_share);
      report(f);
    }
  }
}

}  // namespace posttrain::nn
