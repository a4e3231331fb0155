// All kernels for AVX-512 (F, BW, DQ, VL).
#include "nn/cpu/kernels/table.h"

#if defined(POSTTRAIN_ISA_AVX512)

#include <immintrin.h>

#include <cmath>
#include <limits>

#include "nn/cpu/kernels/isa.h"

namespace posttrain::nn::cpu {
const KernelTable* avx512_kernels() {
  static constexpr KernelTable kTable = table("avx512");
  return &kTable;
}
}  // namespace posttrain::nn::cpu

#else

namespace posttrain::nn::cpu {
const KernelTable* avx512_kernels() {
  return nullptr;
}
}  // namespace posttrain::nn::cpu

#endif
