// What this machine can do: which instruction sets exist, which is the fastest, and how fast that is.
#include <algorithm>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "nn/cpu/backend.h"
#include "nn/cpu/blas.h"

namespace posttrain::nn {
namespace {

const cpu::KernelTable& kernels_of(Isa isa) {
  const cpu::KernelTable* table = isa == Isa::avx512 ? cpu::avx512_kernels()
                                  : isa == Isa::avx2 ? cpu::avx2_kernels()
                                                     : &cpu::generic_kernels();
  PT_ASSERT(table != nullptr, isa_name(isa));
  return *table;
}

// GFLOP/s of a product that stays in cache, as the backend would run it.
double probe_product(const cpu::KernelTable& kernels) {
  constexpr int64_t kRows = 42, kDepth = 192, kColumns = 128;
  const Buffer a = cpu::allocate(kRows * kDepth * 4), b = cpu::allocate(kDepth * kColumns * 4),
               y = cpu::allocate(kRows * kColumns * 4);
  const cpu::GemmJob job{.rows = kRows,
                         .k = kDepth,
                         .a = a.f32(),
                         .a_row = kDepth,
                         .panels = b.data(),
                         .panel_bytes = kDepth * cpu::kPanel * 4,
                         .panel_begin = 0,
                         .panel_end = kColumns / cpu::kPanel,
                         .columns = kColumns,
                         .y = y.f32(),
                         .y_row = kColumns,
                         .bias = nullptr,
                         .add = false,
                         .resume = false,
                         .scratch = nullptr};
  double best = 0;
  const Clock clock;
  for (int run = 0; run < 50 && (run < 3 || clock.seconds() < 0.01); ++run) {
    const Clock run_clock;
    kernels.gemm_f32(job);
    best = std::max(best, 2e-9 * kRows * kDepth * kColumns / run_clock.seconds());
  }
  return best;
}

}  // namespace

std::string isa_name(Isa isa) {
  return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "generic";
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas = {Isa::generic};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (cpu::avx2_kernels() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::avx2);
  if (cpu::avx512_kernels() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    isas.push_back(Isa::avx512);
  }
#endif
  return isas;
}

double probe_fma_peak(Isa isa, int threads) {
  const cpu::KernelTable& kernels = kernels_of(isa);
  const int64_t iterations = isa == Isa::generic ? 20'000 : 400'000;
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const Clock clock;
    std::vector<double> done(static_cast<size_t>(threads), 0.0);
    parallel_for(threads, 1, [&](ptrdiff_t begin, ptrdiff_t end) {
      for (ptrdiff_t i = begin; i < end; ++i) done[static_cast<size_t>(i)] = kernels.fma_peak(iterations);
    });
    double operations = 0;
    for (const double d : done) operations += d;
    best = std::max(best, operations * 1e-9 / clock.seconds());
  }
  return best;
}

double probe_read_bandwidth(int threads, size_t bytes) {
  const Buffer memory = cpu::allocate(bytes);
  const auto count = static_cast<ptrdiff_t>(bytes / sizeof(uint64_t));
  auto* words = static_cast<uint64_t*>(memory.data());
  std::fill(words, words + count, 1);  // pages never written are all the same page of zeros
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const Clock clock;
    std::vector<uint64_t> sums(static_cast<size_t>(threads), 0);
    parallel_for(threads, 1, [&](ptrdiff_t begin, ptrdiff_t end) {
      for (ptrdiff_t t = begin; t < end; ++t) {
        uint64_t s[8] = {};
        for (ptrdiff_t i = count * t / threads / 8 * 8; i + 8 <= count * (t + 1) / threads; i += 8) {
          for (int j = 0; j < 8; ++j) s[j] += words[i + j];
        }
        for (const uint64_t x : s) sums[static_cast<size_t>(t)] += x;
      }
    });
    volatile uint64_t sink = sums[0];
    (void)sink;
    best = std::max(best, static_cast<double>(bytes) * 1e-9 / clock.seconds());
  }
  return best;
}

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  const std::vector<Isa> isas = available_isas();
  if (options.isa) {
    PT_ASSERT(std::find(isas.begin(), isas.end(), *options.isa) != isas.end(), isa_name(*options.isa));
    return std::make_unique<cpu::CpuBackend>(kernels_of(*options.isa), options.blas);
  }
  Isa best = Isa::generic;
  double speed = 0;
  for (const Isa isa : isas) {
    if (isa == Isa::generic && isas.size() > 1) continue;  // never faster than the CPU's own instructions
    const double reached = probe_product(kernels_of(isa));
    if (reached > speed) {
      speed = reached;
      best = isa;
    }
  }
  const bool slow = best == Isa::generic;
  if (slow && !options.blas && !blas::available())
    log_warning(
        "no kernel of ours is fast on this CPU, and OpenBLAS, which would be, isn't there: install the package "
        "libopenblas0-pthread");
  return std::make_unique<cpu::CpuBackend>(kernels_of(best), options.blas || (slow && blas::available()));
}

std::unique_ptr<Backend> make_cpu_backend() {
  return make_cpu_backend(CpuOptions{});
}

}  // namespace posttrain::nn
