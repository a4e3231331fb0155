#include "rl/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/memory.h"

namespace posttrain::rl {

bool rewards_differ(const rollout::ScoredGroup& group) {
  std::vector<double> rewards;
  for (const auto& answer : group.answers) {
    if (rollout::is_scored(answer)) rewards.push_back(answer.outcome.total);
  }
  return std::ranges::any_of(rewards, [&](double r) { return r != rewards.front(); });
}

void RolloutMetrics::add_round(const std::vector<rollout::ScoredGroup>& groups, const rollout::CollectStats& stats) {
  for (const auto& group : groups) {
    for (const auto& answer : group.answers) {
      verdicts_[static_cast<size_t>(answer.outcome.verdict)] += 1;
      if (rollout::is_scored(answer)) drawn_.add(answer);
    }
  }
  prompt_tokens_ += stats.engine.prompt_tokens;
  sampled_tokens_ += stats.engine.sampled_tokens;
  rounds_ += 1;
  preemptions_ += stats.engine.preemptions;
  reward_wait_ += stats.reward_wait_seconds;
}

void RolloutMetrics::Rewards::add(const rollout::Answer& answer) {
  total.add(answer.outcome.total);
  if (is_judged(answer.outcome.verdict)) right.add(answer.outcome.verdict == Verdict::right);
}

void RolloutMetrics::add_trained(const std::vector<rollout::ScoredGroup>& groups) {
  for (const auto& group : groups) {
    Moments in_group;
    for (const auto& answer : group.answers) {
      const auto tokens = static_cast<double>(answer.completion.ids.size());
      min_length_ = length_.count() > 0 ? std::min(min_length_, tokens) : tokens;
      max_length_ = std::max(max_length_, tokens);
      length_.add(tokens);
      if (answer.completion.truncated()) {
        truncated_ += 1;
      } else {
        min_finished_ = finished_length_.count() > 0 ? std::min(min_finished_, tokens) : tokens;
        max_finished_ = std::max(max_finished_, tokens);
        finished_length_.add(tokens);
      }
      for (const float h : answer.completion.entropy) entropy_.add(h);
      unparsed_ += is_judged(answer.outcome.verdict) && answer.outcome.unparsed;
      if (!rollout::is_scored(answer)) continue;
      trained_.add(answer);
      in_group.add(answer.outcome.total);
      for (size_t p = 0; p < answer.outcome.parts.size(); ++p) {
        if (p == parts_.size()) parts_.emplace_back(answer.outcome.parts[p].name, Moments{});
        if (is_judged(answer.outcome.parts[p].verdict)) parts_[p].second.add(answer.outcome.parts[p].value);
      }
    }
    groups_ += 1;
    group_std_.add(in_group.deviation());
    left_out_ += group.left_out;
    flat_groups_ += group.left_out || !rewards_differ(group);
  }
}

void RolloutMetrics::write(store::Metrics& out, double seconds) const {
  const double answers = std::max(1.0, length_.count()), judged = trained_.right.count();
  const double drawn = std::accumulate(std::begin(verdicts_), std::end(verdicts_), 0.0);
  out.insert(out.end(), {
                            {"reward", trained_.total.mean()},
                            {"reward_std", group_std_.mean()},
                            {"frac_reward_zero_std", flat_groups_ / std::max(1.0, groups_)},
                            {"completions/mean_length", length_.mean()},
                            {"completions/min_length", min_length_},
                            {"completions/max_length", max_length_},
                            {"completions/mean_terminated_length", finished_length_.mean()},
                            {"completions/min_terminated_length", min_finished_},
                            {"completions/max_terminated_length", max_finished_},
                            {"completions/clipped_ratio", truncated_ / answers},
                            {"completions/unparsed_ratio", unparsed_ / std::max(1.0, judged)},
                            {"entropy", entropy_.mean()},
                            {"verdicts/undecided", verdicts_[2]},
                            {"verdicts/failed", verdicts_[3]},
                            {"verdicts/failed_ratio", verdicts_[3] / std::max(1.0, drawn)},
                            {"dynamic_sampling/rounds", rounds_},
                            {"num_tokens", static_cast<double>(prompt_tokens_ + sampled_tokens_)},
                        });
  if (dynamic_sampling_) {
    out.insert(out.end(), {
                              {"dynamic_sampling/reward", drawn_.total.mean()},
                              {"dynamic_sampling/accuracy", drawn_.right.mean()},
                              {"dynamic_sampling/filled_up", left_out_},
                          });
  }
  // Shares of what was judged: a judge's failure is no wrong answer.
  if (judged > 0) out.emplace_back("accuracy", trained_.right.mean());
  if (verdicts_[4] > 0) out.emplace_back("verdicts/absent", verdicts_[4]);
  for (const auto& [name, moments] : parts_) {
    if (moments.count() == 0) continue;
    out.emplace_back("rewards/" + name + "/mean", moments.mean());
    out.emplace_back("rewards/" + name + "/std", moments.deviation());
  }
  out.insert(out.end(),
             {
                 {"timing_s/gen", seconds - reward_wait_},
                 {"timing_s/reward", reward_wait_},
                 {"perf/total_num_tokens", static_cast<double>(prompt_tokens_ + sampled_tokens_)},
                 {"perf/rollout_tokens_per_second", static_cast<double>(sampled_tokens_) / std::max(seconds, 1e-9)},
                 {"perf/preemptions", static_cast<double>(preemptions_)},
             });
}

void UpdateMetrics::add(const ObjectiveResult& result) {
  loss += result.loss;
  counted += result.counted;
  clip_counted += result.clip_counted;
  clip_low += result.clip_low;
  clip_high += result.clip_high;
  kl_sum += result.kl_sum;
  step_clips_ += result.clip_counted;
  step_clip_low_ += result.clip_low;
  step_clip_high_ += result.clip_high;
  ratio_sum += result.ratio_sum;
  ratio_min = std::min(ratio_min, result.ratio_min);
  ratio_max = std::max(ratio_max, result.ratio_max);
  if (optimizer_steps > 0) return;
  first_ratio_min = std::min(first_ratio_min, result.ratio_min);
  first_ratio_max = std::max(first_ratio_max, result.ratio_max);
}

void UpdateMetrics::add_mismatch(std::span<const float> trainer, std::span<const float> sampler, bool same_weights) {
  for (size_t t = 0; t < trainer.size(); ++t) {
    const double gap = std::fabs(double{trainer[t]} - double{sampler[t]});
    const auto widen = [gap](double& most) {
      most = std::isnan(gap) ? std::numeric_limits<double>::quiet_NaN() : std::max(most, gap);
    };
    widen(gap_max);
    if (same_weights) widen(mismatch_max);
    mismatch_sum += gap;
    mismatch_count += 1;
  }
}

void UpdateMetrics::add_importance(double weight) {
  importance_min = std::min(importance_min, weight);
  importance_max = std::max(importance_max, weight);
  importance_sum += weight;
  importance_count += 1;
}

void UpdateMetrics::add_step(const model::StepResult& step) {
  grad_norm = std::max(grad_norm, step.grad_norm);
  ++optimizer_steps;
  clip_low_min = std::min(clip_low_min, step_clip_low_ / std::max(1.0, step_clips_));
  clip_high_max = std::max(clip_high_max, step_clip_high_ / std::max(1.0, step_clips_));
  step_clips_ = step_clip_low_ = step_clip_high_ = 0;
}

void UpdateMetrics::write(store::Metrics& out, double lr, double seconds) const {
  const double tokens = std::max(1.0, counted), clips = std::max(1.0, clip_counted);
  const bool weighed = importance_count > 0;
  const double steps = std::max<double>(1, static_cast<double>(optimizer_steps));
  out.insert(out.end(),
             {
                 {"loss", loss / steps},
                 {"grad_norm", grad_norm},
                 {"learning_rate", lr},
                 {"kl", kl_sum / tokens},
                 {"clip_ratio/low_mean", clip_low / clips},
                 {"clip_ratio/low_min", optimizer_steps > 0 ? clip_low_min : 0},
                 {"clip_ratio/high_max", clip_high_max},
                 {"clip_ratio/high_mean", clip_high / clips},
                 {"clip_ratio/region_mean", (clip_low + clip_high) / clips},
                 {"ratio/min", ratio_min},
                 {"ratio/mean", counted > 0 ? ratio_sum / tokens : 1},
                 {"ratio/max", ratio_max},
                 {"sampling/importance_sampling_ratio/min", weighed ? importance_min : 1},
                 {"sampling/importance_sampling_ratio/mean", weighed ? importance_sum / importance_count : 1},
                 {"sampling/importance_sampling_ratio/max", weighed ? importance_max : 1},
                 {"sampling/sampling_logp_difference/mean", mismatch_sum / std::max(1.0, mismatch_count)},
                 {"sampling/sampling_logp_difference/max", gap_max},
                 {"logp_mismatch_max", mismatch_max},
                 {"first_ratio_min", first_ratio_min},
                 {"first_ratio_max", first_ratio_max},
                 {"optimizer_steps", static_cast<double>(optimizer_steps)},
                 {"timing_s/update_actor", seconds},
                 {"perf/update_tokens_per_second", static_cast<double>(rows) / std::max(seconds, 1e-9)},
                 {"perf/cpu_memory_used_gb", static_cast<double>(peak_memory_bytes()) / 1e9},
             });
}

std::vector<store::Group> to_store(const std::vector<rollout::ScoredGroup>& groups, std::span<const double> advantage) {
  std::vector<store::Group> out;
  size_t i = 0;
  for (const auto& group : groups) {
    store::Group rows{.prompt = group.problem.prompt, .answer = group.problem.answer, .samples = {}};
    for (const auto& answer : group.answers) {
      const auto& c = answer.completion;
      store::SampleRow row{.completion = answer.text,
                           .completion_tokens = std::ssize(c.ids),
                           .finish = to_string(c.finish),
                           .reward = answer.outcome.total,
                           .parts = {},
                           .verdict = to_string(answer.outcome.verdict),
                           .advantage = i < advantage.size() ? advantage[i] : 0,
                           .logp_sum = std::accumulate(c.logp.begin(), c.logp.end(), 0.0),
                           .weight_version = c.policy_version};
      for (const auto& part : answer.outcome.parts) {
        row.parts.push_back({part.name, part.value, part.weight, to_string(part.verdict), part.detail});
      }
      rows.samples.push_back(std::move(row));
      ++i;
    }
    out.push_back(std::move(rows));
  }
  return out;
}

}  // namespace posttrain::rl
