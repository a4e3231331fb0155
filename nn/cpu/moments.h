// AdamW's moments in fewer bits, by blocks of kMomentBlock: bf16, or bytes that are floats below the block's largest
// magnitude.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/backend.h"

namespace posttrain::nn::cpu {

// The mean has a sign, 4 bits of exponent and 3 of fraction; the square 5 of exponent and 3 of fraction.
enum class Moment : uint8_t { mean, square };

// `n` <= kMomentBlock values of the block at `from`.
void unpack_moments(MomentType type, Moment kind, const std::byte* from, size_t n, float* to);
// Rounds up or down with the chance that keeps the mean: by the bits of a hash of (`key`, place in the block).
void pack_moments(MomentType type, Moment kind, uint64_t key, const float* from, size_t n, std::byte* to);

}  // namespace posttrain::nn::cpu
