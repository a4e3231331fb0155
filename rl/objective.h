// The objective as data: what a token's coefficient d loss / d logp is, for every loss of the GRPO family.
//
// loss = sum_t weight_t * (policy_t + beta * kl_t - entropy_coef * H_t); weight_t is the aggregation. Kernels never see
// any of this: they get one coefficient per token. All arithmetic is double.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/settings.h"

namespace posttrain::rl {

// One optimizer batch on the host. Sample i owns tokens [begin[i], begin[i + 1]). Arrays are per token unless said.
struct ObjectiveBatch {
  std::vector<int64_t> begin;        // [samples + 1]
  std::vector<int32_t> group;        // [samples]
  std::vector<double> advantage;     // [tokens]
  std::vector<double> old_logp;      // trainer weights at rollout time; empty = on-policy, every ratio is exactly 1
  std::vector<double> sampler_logp;  // what the sampler drew from, where that is not the trainer; may be empty
  std::vector<double> ref_logp;      // may be empty when no KL term is in the loss
  std::vector<uint8_t> mask;         // 1 = counts
  double max_completion_tokens = 0;

  int64_t samples() const { return static_cast<int64_t>(begin.size()) - 1; }
  int64_t tokens() const { return begin.empty() ? 0 : begin.back(); }
};

// What one evaluation gives; arrays cover the tokens of the samples asked for.
struct ObjectiveResult {
  double loss = 0;
  std::vector<double> dlogp, dentropy, per_token, ratio, kl;
  std::vector<double> importance;  // the weight for a sampler that is not the trainer
  // Sums over counted tokens (clip counts: over sequences when the ratio is one per sequence); pieces of a batch add
  // up.
  double counted = 0, clip_counted = 0, clip_low = 0, clip_high = 0, kl_sum = 0, entropy_sum = 0, ratio_sum = 0;
  double ratio_min = 1, ratio_max = 1;
};

// Bound to one optimizer batch: normalisers are taken over the whole batch once, so evaluating it in pieces adds up to
// the same loss and the same coefficients. The batch must outlive it. Thread-safe once built.
class Objective {
 public:
  Objective(const ObjectiveSettings& settings, const ObjectiveBatch& batch);

  // For samples [first, last): logp and entropy hold their tokens in order; entropy may be empty when neither an
  // entropy bonus nor a top-entropy mask is set. Tokens whose entropy is below the threshold lose the policy term.
  ObjectiveResult evaluate(int64_t first, int64_t last, std::span<const double> logp, std::span<const double> entropy,
                           double entropy_threshold) const;

  // The entropy above which the wanted share of the counted tokens of the whole batch lies; -infinity for a share of 1.
  double entropy_threshold(std::span<const double> entropy) const;

 private:
  struct Term {
    double value, slope;  // slope = d value / d log ratio
  };
  struct Sequence;

  Term policy_term(double ratio, double advantage) const;
  Term kl_term(double ref_minus_new, double ratio) const;
  double correction(double token_correction, double sequence_correction) const;
  void count_clip(double ratio, double advantage, ObjectiveResult& result) const;
  Sequence sequence_sums(int64_t sample, std::span<const double> logp) const;
  void evaluate_sample(int64_t sample, std::span<const double> logp, std::span<const double> entropy, double threshold,
                       size_t at, ObjectiveResult& result) const;

  ObjectiveSettings settings_;
  const ObjectiveBatch& batch_;
  std::vector<double> weight_;  // [samples], the aggregation weight of each of its tokens
};

}  // namespace posttrain::rl
