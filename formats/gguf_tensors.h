// GGUF tensors as numbers, and GGUF files written. The container itself: base/gguf.h.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/gguf.h"

namespace posttrain {

// `count` values (whole blocks) as float32.
void dequantize(GgufType type, const std::byte* from, size_t count, float* to);
// f32, f16, bf16 and q8_0 (round to nearest, scale = largest magnitude / 127).
void quantize(GgufType type, const float* from, size_t count, std::byte* to);

struct GgufSource {
  std::string name;
  std::vector<int64_t> shape;
  GgufType type;
  std::function<void(float*)> fill;
};
// Version 3, alignment 32. Throws Failure; appears whole or not at all.
void write_gguf(const std::filesystem::path& file, const std::vector<std::pair<std::string, GgufValue>>& metadata,
                std::span<const GgufSource> tensors);

}  // namespace posttrain
