// The body of an isa_*.cpp file: all kernels, compiled once more with that file's flags, in its anonymous namespace.
// No include guard on purpose: each isa_*.cpp includes it once.

namespace posttrain::nn::cpu {
namespace {

// clang-format off: the order matters
// Each builds on those before it.
// clang-format off
#include "nn/cpu/kernels/simd.h"
#include "nn/cpu/kernels/tile.h"
#include "nn/cpu/kernels/gemm.h"
#include "nn/cpu/kernels/pointwise.h"
#include "nn/cpu/kernels/attention.h"
// clang-format on
// clang-format on

constexpr KernelTable table(const char* name) {
  return {.name = name,
          .fma_peak = fma_peak,
          .gemm_f32 = gemm<Right::packed>,
          .gemm_bf16 = gemm<Right::pairs>,
          .outer = outer,
          .column_sums = column_sums,
          .transpose_blocks = transpose_blocks,
          .attention = attention,
          .attention_backward = attention_backward,
          .rmsnorm = rmsnorm,
          .rmsnorm_dx = rmsnorm_dx,
          .rmsnorm_dw = rmsnorm_dw,
          .rope = rope,
          .gated = gated,
          .gated_backward = gated_backward,
          .scale_add = scale_add,
          .scale = scale,
          .head_block = head_block,
          .head_gradient = head_gradient,
          .exp_sum = exp_sum,
          .exp_shifted = exp_shifted,
          .adamw = adamw,
          .sum_squares = sum_squares};
}

}  // namespace
}  // namespace posttrain::nn::cpu
