// All kernels in portable C++: what the others must equal bit for bit.
#include <bit>
#include <cmath>
#include <limits>

#include "nn/cpu/kernels/table.h"
// After the standard headers.
#include "nn/cpu/kernels/isa.h"

namespace posttrain::nn::cpu {
const KernelTable& generic_kernels() {
  static constexpr KernelTable kTable = table("generic");
  return kTable;
}
}  // namespace posttrain::nn::cpu
