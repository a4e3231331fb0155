// The CPU backend with its choices laid open, for tests and benchmarks; programs call make_cpu_backend() of
// nn/backend.h.
//
// Every output is one chain of fused multiply-adds in ascending order, so results do not depend on the instruction set,
// the batch, the blocking or the number of threads. The exception is `blas`: linear layers by OpenBLAS, for CPUs whose
// instruction set has no fast kernel here; keeps_order() is then false.
//
// One thread at a time drives a backend (it owns scratch memory that its calls reuse); several backends are
// independent. No call changes the floating-point mode: denormals are kept in every thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/backend.h"

namespace posttrain::nn {

enum class Isa : uint8_t { generic, avx2, avx512 };
std::string isa_name(Isa isa);

// Instruction sets that were built and that this CPU and operating system offer; generic is always among them.
std::vector<Isa> available_isas();

// What one thread reaches with independent multiply-adds in registers, in GFLOP/s: best of several short runs.
double probe_fma_peak(Isa isa, int threads = 1);
// What `threads` threads read together from memory that fits no cache, in GB/s.
double probe_read_bandwidth(int threads, size_t bytes = size_t{256} << 20);

struct CpuOptions {
  std::optional<Isa> isa;  // not set: the fastest in a probe of the multiplication kernels (about 50 ms)
  bool blas = false;       // linear layers by OpenBLAS
};

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

}  // namespace posttrain::nn
