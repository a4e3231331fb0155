// What a step reports: TRL's names first, then verl's timing_s/ and perf/ groups.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/learner.h"
#include "rl/objective.h"
#include "rollout/collect.h"
#include "store/records.h"

namespace posttrain::rl {

// phase("rollout", done, total, tokens): where a step is, and how much it has sampled.
using PhaseCallback = std::function<void(const char* phase, int64_t done, int64_t total, int64_t tokens)>;

// Sums over the rounds of one rollout.
class RolloutMetrics {
 public:
  void add(const std::vector<rollout::ScoredGroup>& groups, const rollout::CollectStats& stats);
  // completions/*, rewards/*, reward, reward_std, frac_reward_zero_std, accuracy, verdicts/*, entropy, timing and rate.
  void write(store::Metrics& out, double seconds) const;

 private:
  struct Moments {
    double count = 0, sum = 0, squares = 0;
    void add(double x);
    double mean() const;
    double deviation() const;
  };
  Moments length_, finished_length_, reward_, group_std_, entropy_;
  double min_length_ = 0, max_length_ = 0, min_finished_ = 0, max_finished_ = 0, rounds_ = 0, truncated_ = 0,
         unparsed_ = 0, flat_groups_ = 0, groups_ = 0;
  double verdicts_[4] = {};
  std::vector<std::pair<std::string, Moments>> parts_;
  int64_t prompt_tokens_ = 0, sampled_tokens_ = 0, preemptions_ = 0;
  double reward_wait_ = 0;
};

// Sums over the micro-batches of one rollout's updates.
struct UpdateMetrics {
  int64_t rows = 0, optimizer_steps = 0;
  double loss = 0, counted = 0, clip_counted = 0, clip_low = 0, clip_high = 0, kl_sum = 0, kl_counted = 0;
  double ratio_min = 1, ratio_max = 1, first_ratio_min = 1, first_ratio_max = 1;
  double ratio_sum = 0, clip_low_min = 1, clip_high_max = 0;  // clip shares: least and greatest of the optimizer steps
  double grad_norm = 0, mismatch_max = 0, gap_max = 0, mismatch_sum = 0, mismatch_count = 0;

  void add(const ObjectiveResult& result);
  // Trainer against sampler; with the same weights (not stale) the gap must be 0.
  void add_mismatch(std::span<const float> trainer, std::span<const float> sampler, bool same_weights);
  // After the last micro-batch of an optimizer step.
  void add_step(const model::StepResult& step);
  void write(store::Metrics& out, double lr, double seconds) const;

 private:
  double step_clips_ = 0, step_clip_low_ = 0, step_clip_high_ = 0;  // of the optimizer step that is being added up
};

// The rollout as the store keeps it.
std::vector<store::Group> to_store(const std::vector<rollout::ScoredGroup>& groups, std::span<const double> advantage);

}  // namespace posttrain::rl
