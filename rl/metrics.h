// What a step reports: TRL's names first, then verl's timing_s/ and perf/ groups.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/learner.h"
#include "rl/moments.h"
#include "rl/objective.h"
#include "rollout/collect.h"
#include "store/records.h"

namespace posttrain::rl {

// phase("rollout", done, total, tokens): where a step is, and how much it has sampled.
using PhaseCallback = std::function<void(const char* phase, int64_t done, int64_t total, int64_t tokens)>;

// Whether a group's answers got different rewards: asked of the rewards, never of their rounded deviation.
bool rewards_differ(const rollout::ScoredGroup& group);

// Sums over one rollout. reward, accuracy, rewards/*, completions/* and the like are of the groups that the step trains
// on; with dynamic sampling dynamic_sampling/reward and /accuracy are of all that were drawn, those dropped included.
// Means of rewards and accuracy leave out answers whose judge failed; verdicts/* and tokens count all drawn.
class RolloutMetrics {
 public:
  explicit RolloutMetrics(bool dynamic_sampling) : dynamic_sampling_(dynamic_sampling) {}
  void add_round(const std::vector<rollout::ScoredGroup>& groups, const rollout::CollectStats& stats);
  void add_trained(const std::vector<rollout::ScoredGroup>& groups);
  // completions/*, rewards/*, reward, reward_std, frac_reward_zero_std (groups that teach nothing: equal rewards, or
  // left out by dynamic sampling), accuracy, verdicts/*, entropy, timing and rate.
  void write(store::Metrics& out, double seconds) const;

 private:
  struct Rewards {
    Moments total, right;
    void add(const rollout::Answer& answer);
  };
  bool dynamic_sampling_;
  Rewards trained_, drawn_;
  Moments length_, finished_length_, group_std_, entropy_;
  double min_length_ = 0, max_length_ = 0, min_finished_ = 0, max_finished_ = 0, rounds_ = 0, truncated_ = 0,
         unparsed_ = 0, flat_groups_ = 0, groups_ = 0, left_out_ = 0;
  double verdicts_[5] = {};
  std::vector<std::pair<std::string, Moments>> parts_;
  int64_t prompt_tokens_ = 0, sampled_tokens_ = 0, preemptions_ = 0;
  double reward_wait_ = 0;
};

// Sums over the micro-batches of one rollout's updates.
struct UpdateMetrics {
  int64_t rows = 0, optimizer_steps = 0;
  double loss = 0, counted = 0, clip_counted = 0, clip_low = 0, clip_high = 0, kl_sum = 0;
  double ratio_min = 1, ratio_max = 1, first_ratio_min = 1, first_ratio_max = 1;
  double importance_min = INFINITY, importance_max = 0, importance_sum = 0, importance_count = 0;
  double ratio_sum = 0, clip_low_min = 1, clip_high_max = 0;  // clip shares: least and greatest of the optimizer steps
  double grad_norm = 0, mismatch_max = 0, gap_max = 0, mismatch_sum = 0, mismatch_count = 0;

  void add(const ObjectiveResult& result);
  // Trainer against sampler; with the same weights (not stale) the gap must be 0.
  void add_mismatch(std::span<const float> trainer, std::span<const float> sampler, bool same_weights);
  // Trainer's over sampler's probability of a counted token before the first update, as the loss weighs it.
  void add_importance(double weight);
  // After the last micro-batch of an optimizer step.
  void add_step(const model::StepResult& step);
  void write(store::Metrics& out, double lr, double seconds) const;

 private:
  double step_clips_ = 0, step_clip_low_ = 0, step_clip_high_ = 0;  // of the optimizer step that is being added up
};

// The rollout as the store keeps it.
std::vector<store::Group> to_store(const std::vector<rollout::ScoredGroup>& groups, std::span<const double> advantage);

}  // namespace posttrain::rl
