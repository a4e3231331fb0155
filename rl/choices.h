// The choices that an objective is made of, each with the names that recipes write. Formulas: docs/objectives.md.
#pragma once

#include "base/enum_names.h"

namespace posttrain::rl {

// The baseline that a reward is compared with.
enum class Advantage : uint8_t {
  group,          // the group's mean, divided by a std
  centred,        // the group's mean
  leave_one_out,  // the mean of the group's others
  batch,          // whitened over the answers of the batch
  reinforce_pp,   // whitened over the tokens of the batch
  reinforce_pp_baseline,
  opo,  // the group's mean, weighted by length
  maxrl
};
constexpr auto enum_names(Advantage) {
  return std::to_array(
      {"group", "centred", "leave_one_out", "batch", "reinforce++", "reinforce++_baseline", "opo", "maxrl"});
}

// Which std divides; see advantage.h.
enum class StdConvention : uint8_t { trl, verl, openrlhf, open_instruct, nemo, areal, grpo_zero, dr_grpo_repo, none };
constexpr auto enum_names(StdConvention) {
  return std::to_array(
      {"trl", "verl", "openrlhf", "open_instruct", "nemo", "areal", "grpo_zero", "dr_grpo_repo", "none"});
}

enum class Scope : uint8_t { group, batch };
constexpr auto enum_names(Scope) {
  return std::to_array({"group", "batch"});
}

enum class MultiReward : uint8_t { sum, normalize_then_sum };
constexpr auto enum_names(MultiReward) {
  return std::to_array({"sum", "normalize_then_sum"});
}

// What new and old probabilities are compared over.
enum class Ratio : uint8_t {
  token,
  sequence,        // exp of the mean over an answer (GSPO)
  sequence_token,  // its value, the token's gradient (GSPO-token)
  sequence_sum     // exp of the sum over an answer: the ratio of whole answers (RLOO)
};
constexpr auto enum_names(Ratio) {
  return std::to_array({"token", "sequence", "sequence_token", "sequence_sum"});
}

enum class Clip : uint8_t { none, ppo, cispo, sapo };
constexpr auto enum_names(Clip) {
  return std::to_array({"none", "ppo", "cispo", "sapo"});
}

enum class Aggregation : uint8_t { sequence_mean, token_mean, constant, sequence_sum, prompt_mean };
constexpr auto enum_names(Aggregation) {
  return std::to_array({"sequence_mean", "token_mean", "constant", "sequence_sum", "prompt_mean"});
}

enum class Kl : uint8_t { k1, k2, k3, unbiased };
constexpr auto enum_names(Kl) {
  return std::to_array({"k1", "k2", "k3", "unbiased"});
}

enum class KlIn : uint8_t { loss, reward };
constexpr auto enum_names(KlIn) {
  return std::to_array({"loss", "reward"});
}

// The weight for a sampler that is not the trainer.
enum class Importance : uint8_t { none, token_truncate, token_mask, sequence_truncate, sequence_mask };
constexpr auto enum_names(Importance) {
  return std::to_array({"none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"});
}

// What becomes of an answer that the length limit cut.
enum class Truncated : uint8_t { keep, mask };
constexpr auto enum_names(Truncated) {
  return std::to_array({"keep", "mask"});
}

// What groups must differ in to be kept by dynamic sampling. automatic: accuracy where a reward judges, else reward.
enum class FilterBy : uint8_t { automatic, accuracy, reward };
constexpr auto enum_names(FilterBy) {
  return std::to_array({"auto", "accuracy", "reward"});
}

}  // namespace posttrain::rl
