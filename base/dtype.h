// The float types in which weights are kept.
#pragma once

#include <cstdint>

namespace posttrain {

enum class DType : uint8_t { f32, bf16, f16 };

}  // namespace posttrain
