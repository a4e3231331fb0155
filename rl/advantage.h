// From rewards to advantages: the group-relative baseline in every convention in use.
//
// Std conventions by name (all differ in what is shipped today): trl = unbiased (n - 1), + 1e-4; verl = unbiased, +
// 1e-6, a group of one keeps its raw reward; openrlhf = unbiased, + 1e-9; open_instruct = biased (n), + 1e-8; areal =
// unbiased, + 1e-5; grpo_zero = biased, + 1e-4; dr_grpo_repo = unbiased, + 1e-8; nemo = unbiased over the other answers
// of the group, + 1e-6, no division where they are all equal; none = no division.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/settings.h"

namespace posttrain::rl {

struct ScoredSample {
  int32_t group;
  double reward;
  double length = 0;  // completion tokens, for the length-weighted baseline and for whitening over tokens
  double masked = 0;  // of them carry no loss and are not whitened over
  bool valid = true;  // false: the judge failed; out of every mean and std, advantage 0
  std::vector<double> parts = {}, part_weights = {};  // of several rewards, for multi_reward; reward is their sum
};

// One advantage per sample, in order. Groups are the samples with equal `group`. Never NaN: a reward that is not a
// number counts as a failed judge; a group without spread, a group of one and a group whose judge failed everywhere
// give 0 (verl's group of one excepted, and what is whitened over the batch). Whether rewards differ is asked of
// the rewards, never of a rounded std. maxrl takes rewards of at least 0; a group with less is shifted up to 0.
std::vector<double> advantages(const ObjectiveSettings& settings, std::span<const ScoredSample> samples);

// values - mean, divided by the unbiased std (+ 1e-8), both over all tokens that count: value i stands for weights[i]
// of them. All 0 where those that stand for any do not differ. verl's masked whitening, REINFORCE++'s normalisation.
std::vector<double> whitened(std::span<const double> values, std::span<const double> weights);

// For each sample: whether its group's valid rewards are all the same (no signal).
std::vector<uint8_t> without_spread(std::span<const ScoredSample> samples);

}  // namespace posttrain::rl
