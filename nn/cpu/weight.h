// Weights packed in panels of 32 columns, [panel][k][32], the last panel padded with zeros.
#pragma once

#include "nn/cpu/memory.h"

namespace posttrain::nn::cpu {

class CpuWeight : public Weight {
 public:
  CpuWeight(HugePages& pages, int64_t rows, int64_t columns, DType type, Use use, bool keep_plain);

  // Bytes from one panel to the next.
  int64_t forward_stride() const { return in * row_bytes(); }
  int64_t backward_stride() const { return out * row_bytes(); }
  // Bytes of one k of a panel.
  int64_t row_bytes() const { return stored == DType::bf16 ? 64 : 128; }

  Buffer forward;   // panels over out, k = in
  Buffer backward;  // panels over in, k = out; empty for inference
  Buffer plain;     // [out, in] float32 for BLAS, else empty
};

void load_rows(CpuWeight& w, int64_t first_row, int64_t rows, const void* from, DType type);
// Row `row` as float32 [in].
void read_row(const CpuWeight& w, int64_t row, float* to);

}  // namespace posttrain::nn::cpu
