// From rewards to advantages: the group-relative baseline in every convention in use.
//
// Std conventions by name (all differ in what is shipped today): trl = unbiased (n - 1), + 1e-4; verl = unbiased, +
// 1e-6, a group of one keeps its raw reward; openrlhf = unbiased, + 1e-9; open_instruct = biased (n), + 1e-8; none = no
// division.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/settings.h"

namespace posttrain::rl {

struct ScoredSample {
  int32_t group;
  double reward;
  double length = 0;  // completion tokens, for the length-weighted baseline
  bool valid = true;  // false: the judge failed; out of every mean and std, advantage 0
};

// One advantage per sample, in order. Groups are the samples with equal `group`. Never NaN: a group without spread, a
// group of one and a group whose judge failed everywhere give 0 (verl's group of one excepted).
std::vector<double> advantages(const ObjectiveSettings& settings, std::span<const ScoredSample> samples);

// For each sample: whether its group's valid rewards are all the same (no signal).
std::vector<uint8_t> without_spread(std::span<const ScoredSample> samples);

}  // namespace posttrain::rl
