// The sparse MLP: a router sends every row to a few experts. Internal to model/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/arch.h"

namespace posttrain::model {

// R = rows x per_token visits, sorted by expert and then by row: visit i is row index[i] with weight scale[i];
// expert e has the visits begin[e] .. begin[e + 1].
struct Routing {
  std::vector<int32_t> index, begin;
  std::vector<float> scale;
  std::vector<float> scores;  // [rows, experts] probabilities (softmax) or sigmoids, for the backward
};

// From router logits [rows, experts]; `bias` [experts] moves the choice only and may be empty. A row's routing depends
// on its own logits only; ties go to the lower expert.
Routing route(const MoeShape& moe, std::span<const float> logits, std::span<const float> bias);

// d loss / d logits [rows, experts] from d loss / d scale of every visit.
std::vector<float> route_backward(const MoeShape& moe, const Routing& routing, std::span<const float> dscale);

}  // namespace posttrain::model
