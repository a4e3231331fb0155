#include "nn/cpu/moments.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.h"

namespace posttrain::nn::cpu {
namespace {

uint32_t hash(uint64_t key, size_t place) {
  uint32_t h = static_cast<uint32_t>(key ^ (key >> 32)) + static_cast<uint32_t>(place) * 0x9E3779B1u;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  return h ^ (h >> 16);
}

// A byte is exponent and fraction of a value in [0, 1], the exponent counted from the smallest that is kept.
constexpr uint32_t kFractionBits = 20;  // that are dropped

uint32_t lowest(Moment kind) {
  return (127u - (kind == Moment::mean ? 15u : 31u)) << 3;
}

uint8_t to_byte(float share, Moment kind, uint32_t random) {
  const uint32_t bits = std::bit_cast<uint32_t>(std::fabs(share)) + (random >> (32 - kFractionBits));
  const uint32_t code = bits >> kFractionBits;
  const uint32_t size = code > lowest(kind) ? code - lowest(kind) : 0;
  return static_cast<uint8_t>(size | (kind == Moment::mean && share < 0 ? 128u : 0u));
}

float from_byte(uint8_t byte, Moment kind) {
  const uint32_t size = kind == Moment::mean ? byte & 127u : byte;
  if (size == 0) return 0;
  const auto share = std::bit_cast<float>((size + lowest(kind)) << kFractionBits);
  return kind == Moment::mean && byte >= 128 ? -share : share;
}

}  // namespace

void unpack_moments(MomentType type, Moment kind, const std::byte* from, size_t n, float* to) {
  if (type == MomentType::bf16) {
    for (size_t i = 0; i < n; ++i) {
      uint16_t bits = 0;
      std::memcpy(&bits, from + 2 * i, 2);
      to[i] = bf16_to_f32(bits);
    }
    return;
  }
  float scale = 0;
  std::memcpy(&scale, from, sizeof scale);
  for (size_t i = 0; i < n; ++i) to[i] = scale * from_byte(static_cast<uint8_t>(from[sizeof scale + i]), kind);
}

void pack_moments(MomentType type, Moment kind, uint64_t key, const float* from, size_t n, std::byte* to) {
  if (type == MomentType::bf16) {
    for (size_t i = 0; i < n; ++i) {
      const auto bits = static_cast<uint16_t>((std::bit_cast<uint32_t>(from[i]) + (hash(key, i) >> 16)) >> 16);
      std::memcpy(to + 2 * i, &bits, 2);
    }
    return;
  }
  float scale = 0;
  for (size_t i = 0; i < n; ++i) scale = std::max(scale, std::fabs(from[i]));
  std::memcpy(to, &scale, sizeof scale);
  const float inverse = scale > 0 ? 1 / scale : 0;
  for (size_t i = 0; i < n; ++i) {
    const float share = std::clamp(from[i] * inverse, -1.0f, 1.0f);
    to[sizeof scale + i] = static_cast<std::byte>(to_byte(share, kind, hash(key, i)));
  }
}

}  // namespace posttrain::nn::cpu
