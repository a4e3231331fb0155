// Block encodings of GGUF tensors. Layouts: ggml's block_q* structures; scales are float16, little-endian.
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "formats/gguf_tensors.h"

namespace posttrain {
namespace {

using Bytes = const uint8_t*;

float half_at(Bytes at) {
  uint16_t bits = 0;
  std::memcpy(&bits, at, 2);
  return f16_to_f32(bits);
}

// ---- blocks of 32: scale [, minimum] [, fifth bits], then 16 bytes of two nibbles (value j low, value j + 16 high)

template <bool minimum, bool fifth_bit>
void four_or_five_bits(Bytes at, float* to) {
  const float scale = half_at(at), offset = minimum ? half_at(at + 2) : 0;
  at += minimum ? 4 : 2;
  uint32_t high = 0;
  if constexpr (fifth_bit) {
    std::memcpy(&high, at, 4);
    at += 4;
  }
  constexpr int middle = minimum ? 0 : (fifth_bit ? 16 : 8);
  for (int j = 0; j < 16; ++j) {
    const int low_value = (at[j] & 15) | static_cast<int>((high >> j & 1) << 4);
    const int high_value = (at[j] >> 4) | static_cast<int>((high >> (j + 16) & 1) << 4);
    to[j] = static_cast<float>(low_value - middle) * scale + offset;
    to[j + 16] = static_cast<float>(high_value - middle) * scale + offset;
  }
}

void eight_bits(Bytes at, float* to) {
  const float scale = half_at(at);
  for (int j = 0; j < 32; ++j) to[j] = static_cast<float>(static_cast<int8_t>(at[2 + j])) * scale;
}

// ---- super-blocks of 256

// Scale and minimum of 32 values: six bits each, packed into 12 bytes for eight groups.
std::array<int, 2> scale_and_minimum(Bytes packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4),
          (packed[group + 4] >> 4) | (packed[group] >> 6 << 4)};
}

template <bool fifth_bit>
void k_four_or_five_bits(Bytes at, float* to) {
  const float scale = half_at(at), minimum = half_at(at + 2);
  const Bytes packed = at + 4, high = at + 16;
  Bytes low = fifth_bit ? at + 48 : at + 16;
  for (int group = 0; group < 8; ++group) {
    const auto [s, m] = scale_and_minimum(packed, group);
    const float step = scale * static_cast<float>(s), offset = minimum * static_cast<float>(m);
    for (int l = 0; l < 32; ++l) {
      int value = group % 2 == 0 ? low[l] & 15 : low[l] >> 4;
      if constexpr (fifth_bit) value += (high[l] >> group & 1) << 4;
      *to++ = step * static_cast<float>(value) - offset;
    }
    if (group % 2 == 1) low += 32;
  }
}

void k_six_bits(Bytes at, float* to) {
  const auto* scales = reinterpret_cast<const int8_t*>(at + 192);
  const float scale = half_at(at + 208);
  for (int half = 0; half < 2; ++half) {
    const Bytes low = at + 64 * half, high = at + 128 + 32 * half;
    for (int quarter = 0; quarter < 4; ++quarter) {
      for (int l = 0; l < 32; ++l) {
        const int byte = low[l + 32 * (quarter % 2)];
        const int nibble = quarter < 2 ? byte & 15 : byte >> 4;
        const int group = 8 * half + 2 * quarter + l / 16;  // 16 weights share a scale
        const int value = (nibble | (high[l] >> (2 * quarter) & 3) << 4) - 32;
        *to++ = scale * static_cast<float>(scales[group]) * static_cast<float>(value);
      }
    }
  }
}

void quantize_eight_bits(const float* from, uint8_t* to) {
  float largest = 0;
  for (int j = 0; j < 32; ++j) largest = std::max(largest, std::fabs(from[j]));
  const float scale = largest / 127, inverse = scale > 0 ? 1 / scale : 0;
  const uint16_t bits = f32_to_f16(scale);
  std::memcpy(to, &bits, 2);
  for (int j = 0; j < 32; ++j) to[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(std::round(from[j] * inverse)));
}

// What widens one block; the plain types need no blocks.
void (*widener(GgufType type))(Bytes, float*) {
  switch (type) {
    case GgufType::q4_0:
      return four_or_five_bits<false, false>;
    case GgufType::q4_1:
      return four_or_five_bits<true, false>;
    case GgufType::q5_0:
      return four_or_five_bits<false, true>;
    case GgufType::q5_1:
      return four_or_five_bits<true, true>;
    case GgufType::q8_0:
      return eight_bits;
    case GgufType::q4_k:
      return k_four_or_five_bits<false>;
    case GgufType::q5_k:
      return k_four_or_five_bits<true>;
    case GgufType::q6_k:
      return k_six_bits;
    default:
      return nullptr;
  }
}

}  // namespace

void dequantize(GgufType type, const std::byte* from, size_t count, float* to) {
  if (type == GgufType::f32) return widen(from, DType::f32, count, to);
  if (type == GgufType::f16) return widen(from, DType::f16, count, to);
  if (type == GgufType::bf16) return widen(from, DType::bf16, count, to);
  const auto widen_block = widener(type);
  const auto [values, bytes] = gguf_block(type);
  PT_ASSERT(widen_block != nullptr && count % static_cast<size_t>(values) == 0, count);
  const auto* at = reinterpret_cast<Bytes>(from);
  for (size_t done = 0; done < count; done += static_cast<size_t>(values), at += bytes) widen_block(at, to + done);
}

void quantize(GgufType type, const float* from, size_t count, std::byte* to) {
  if (type == GgufType::f32) {
    std::memcpy(to, from, count * sizeof(float));
    return;
  }
  auto* at = reinterpret_cast<uint8_t*>(to);
  if (type == GgufType::q8_0) {
    PT_ASSERT(count % 32 == 0, count);
    for (size_t done = 0; done < count; done += 32, at += 34) quantize_eight_bits(from + done, at);
    return;
  }
  PT_ASSERT(type == GgufType::f16 || type == GgufType::bf16);
  for (size_t i = 0; i < count; ++i) {
    const uint16_t bits = type == GgufType::f16 ? f32_to_f16(from[i]) : f32_to_bf16(from[i]);
    std::memcpy(at + 2 * i, &bits, 2);
  }
}

}  // namespace posttrain
