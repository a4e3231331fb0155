// Memory, weights, and the making of a CPU backend.
#include "nn/cpu/backend.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/cpu/blas.h"

namespace posttrain::nn {
namespace cpu {

CpuBackend::CpuBackend(const KernelTable& kernels, bool blas) : kernels_(kernels), blas_(blas) {
  if (blas_) blas::set_threads(compute_threads());
}

std::string CpuBackend::name() const {
  return std::string("cpu-") + kernels_.name + (blas_ ? "+openblas" : "");
}

void CpuBackend::prepare_workers() {
  const auto threads = static_cast<size_t>(compute_threads());
  if (worker_scratch_.size() < threads) worker_scratch_.resize(threads);
}

Arena& CpuBackend::mine() {
  return worker_scratch_[static_cast<size_t>(compute_worker())];
}

Buffer CpuBackend::alloc(size_t bytes) {
  return allocate(bytes);
}

void CpuBackend::to_host(void* host, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(host, from, bytes);
}

void CpuBackend::to_device(void* to, const void* host, size_t bytes) {
  if (bytes > 0) std::memcpy(to, host, bytes);
}

void CpuBackend::copy(float* to, const float* from, size_t floats) {
  parallel_for(static_cast<ptrdiff_t>(floats), 1 << 16, [&](ptrdiff_t begin, ptrdiff_t end) {
    std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin) * sizeof(float));
  });
}

void CpuBackend::fill(float* to, float value, size_t floats) {
  parallel_for(static_cast<ptrdiff_t>(floats), 1 << 16,
               [&](ptrdiff_t begin, ptrdiff_t end) { std::fill(to + begin, to + end, value); });
}

std::unique_ptr<Weight> CpuBackend::make_weight(int64_t out, int64_t in, DType stored, Use use) {
  return std::make_unique<CpuWeight>(weight_pages_, out, in, stored, use, blas_);
}

void CpuBackend::load_rows(Weight& w, int64_t first_row, int64_t rows, const void* from, DType type) {
  cpu::load_rows(static_cast<CpuWeight&>(w), first_row, rows, from, type);
}

void CpuBackend::read_rows(const Weight& weight, int64_t first_row, int64_t rows, float* to) {
  const auto& w = static_cast<const CpuWeight&>(weight);
  PT_ASSERT(first_row >= 0 && first_row + rows <= w.out, first_row, rows, w.out);
  parallel_for(rows, 16, [&](ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t r = begin; r < end; ++r) read_row(w, first_row + r, to + r * w.in);
  });
}

void CpuBackend::record(uint64_t, const std::function<void()>& fn) {
  fn();
}

}  // namespace cpu
}  // namespace posttrain::nn
