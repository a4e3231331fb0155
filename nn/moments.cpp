// What every backend says of AdamW's moments.
#include "base/error.h"
#include "nn/backend.h"

namespace posttrain::nn {

size_t moment_bytes(MomentType type, size_t count) {
  switch (type) {
    case MomentType::f32:
      return count * sizeof(float);
    case MomentType::bf16:
      return count * 2;
    case MomentType::e8:
      break;
  }
  return (count + kMomentBlock - 1) / kMomentBlock * (sizeof(float) + kMomentBlock);
}

void Backend::adamw_packed(const AdamW&, MomentType, size_t, float*, const float*, std::byte*, std::byte*) {
  throw Failure("optimizer", "optimizer_state", "f32 on " + name(), "fewer bits");
}

}  // namespace posttrain::nn
