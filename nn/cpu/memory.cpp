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
constexpr size_t kSlab = 32 * kHugePage;

[[noreturn]] void refuse(size_t bytes) {
  throw Failure("memory", "cannot allocate " + std::to_string(bytes) + " bytes");
}

// The system's fresh pages are zero already, and are first touched by the thread that uses them.
Buffer allocate_pages(size_t bytes) {
  const size_t mapped = (bytes + 2 * kHugePage - 1) / kHugePage * kHugePage;  // room to begin at a huge page
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) refuse(bytes);
  const auto address = (reinterpret_cast<uintptr_t>(base) + kHugePage - 1) / kHugePage * kHugePage;
  // Whole huge pages only: the rest of the last one would be memory that nobody uses.
  madvise(reinterpret_cast<void*>(address), bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return Buffer(reinterpret_cast<void*>(address), bytes, [base, mapped](void*) { munmap(base, mapped); });
}

}  // namespace

Buffer allocate(size_t bytes) {
  if (bytes >= kHugePage) return allocate_pages(bytes);
  const size_t rounded = (std::max<size_t>(bytes, 1) + 63) / 64 * 64;
  void* data = std::aligned_alloc(64, rounded);
  if (!data) refuse(bytes);
  std::memset(data, 0, rounded);
  return Buffer(data, bytes, [](void* p) { std::free(p); });
}

Buffer HugePages::take(size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)  // which sees the end of each buffer if they do not share a block
  return allocate(bytes);
#else
  const size_t room = (bytes + 63) / 64 * 64;
  if (!block_ || used_ + room > block_->bytes()) {
    block_ = std::make_shared<Buffer>(allocate_pages(std::max(room, kSlab)));
    used_ = 0;
  }
  auto* data = static_cast<std::byte*>(block_->data()) + used_;
  used_ += room;
  return Buffer(data, bytes, [block = block_](void*) {});
#endif
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
