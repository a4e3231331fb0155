// All kernels for AVX2 and FMA.
#include "nn/cpu/kernels/table.h"

#if defined(POSTTRAIN_ISA_AVX2)

#include <immintrin.h>

#include <cmath>
#include <limits>

#include "nn/cpu/kernels/isa.h"

namespace posttrain::nn::cpu {
const KernelTable* avx2_kernels() {
  static constexpr KernelTable kTable = table("avx2");
  return &kTable;
}
}  // namespace posttrain::nn::cpu

#else

namespace posttrain::nn::cpu {
const KernelTable* avx2_kernels() {
  return nullptr;
}
}  // namespace posttrain::nn::cpu

#endif
