#include "nn/cpu/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.h"

namespace posttrain::nn::cpu {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Buffer allocate(size_t bytes) {
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const size_t rounded = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* data = std::aligned_alloc(alignment, rounded);
  if (!data) throw Failure("memory", "cannot allocate " + std::to_string(bytes) + " bytes");
  if (alignment == kHugePage) madvise(data, rounded, MADV_HUGEPAGE);
  std::memset(data, 0, rounded);
  return Buffer(data, bytes, [](void* p) { std::free(p); });
}

float* Arena::floats(int64_t count) {
  const size_t bytes = static_cast<size_t>(count) * sizeof(float);
  if (buffer_.bytes() < bytes) {
    buffer_ = Buffer();
    buffer_ = allocate(bytes + bytes / 4);
  }
  return buffer_.f32();
}

}  // namespace posttrain::nn::cpu
