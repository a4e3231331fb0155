#include "rl/advantage.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"

namespace posttrain::rl {
namespace {

struct Convention {
  StdConvention name;
  bool divides, unbiased;
  double eps;
  bool raw_single = false;  // a group of one keeps its reward
  bool of_others = false;   // the std of an answer is that of the others
};

constexpr Convention conventions[] = {
    {StdConvention::trl, true, true, 1e-4},
    {StdConvention::verl, true, true, 1e-6, true},
    {StdConvention::openrlhf, true, true, 1e-9},
    {StdConvention::open_instruct, true, false, 1e-8},
    {StdConvention::nemo, true, true, 1e-6, false, true},
    {StdConvention::areal, true, true, 1e-5},
    {StdConvention::grpo_zero, true, false, 1e-4},
    {StdConvention::dr_grpo_repo, true, true, 1e-8},
    {StdConvention::none, false, true, 0},
};

const Convention& convention(StdConvention name) {
  const Convention& found = conventions[static_cast<size_t>(name)];
  PT_ASSERT(found.name == name, to_string(name));
  return found;
}

using Members = std::vector<size_t>;

double mean_reward(std::span<const ScoredSample> samples, const Members& members) {
  double sum = 0;
  for (const size_t i : members) sum += samples[i].reward;
  return members.empty() ? 0 : sum / static_cast<double>(members.size());
}

bool all_equal(std::span<const double> values) {
  return std::ranges::all_of(values, [&](double v) { return v == values.front(); });
}

// Exactly 0 for equal values, whose rounded mean would leave something like 1e-17.
double deviation(const std::vector<double>& values, bool unbiased) {
  const auto n = static_cast<double>(values.size());
  if (n < (unbiased ? 2 : 1) || all_equal(values)) return 0;
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / (unbiased ? n - 1 : n));
}

double length_weighted_mean(std::span<const ScoredSample> samples, const Members& members) {
  double sum = 0, lengths = 0;
  for (const size_t i : members) {
    sum += samples[i].length * samples[i].reward;
    lengths += samples[i].length;
  }
  return lengths > 0 ? sum / lengths : mean_reward(samples, members);
}

std::vector<double> rewards_of(std::span<const ScoredSample> samples, const Members& members) {
  std::vector<double> rewards;
  for (const size_t i : members) rewards.push_back(samples[i].reward);
  return rewards;
}

// MaxRL weighs by 1 / mean, which is defined for rewards of at least 0 only. Where a group has less, its lowest reward
// counts as 0: order and bound (n - 1) are kept, and rewards of at least 0 are as in the paper.
void shift_to_zero(std::vector<double>& rewards) {
  const double lowest = std::min(*std::ranges::min_element(rewards), 0.0);
  for (double& r : rewards) r -= lowest;
}

bool whitened_over_batch(Advantage kind) {
  return kind == Advantage::reinforce_pp || kind == Advantage::reinforce_pp_baseline || kind == Advantage::batch;
}

// Rewards less the baseline of their group; the std is applied afterwards.
void subtract_baseline(Advantage kind, std::span<const ScoredSample> samples, const Members& members,
                       const Convention& rule, std::vector<double>& out) {
  const auto n = static_cast<double>(members.size());
  auto rewards = rewards_of(samples, members);
  if (kind == Advantage::maxrl) shift_to_zero(rewards);
  const double mean = std::accumulate(rewards.begin(), rewards.end(), 0.0) / n;
  const auto less_baseline = [&](double r) {
    switch (kind) {
      case Advantage::leave_one_out:
        return n > 1 ? (r - mean) * n / (n - 1) : 0;  // r - (sum of the others) / (n - 1)
      case Advantage::opo:
        return r - length_weighted_mean(samples, members);
      case Advantage::maxrl:
        return mean > 0 ? (r - mean) / mean : 0;
      case Advantage::batch:
      case Advantage::reinforce_pp:
        return r;  // the batch's mean, below
      case Advantage::group:
      case Advantage::centred:
      case Advantage::reinforce_pp_baseline:
        break;
    }
    return n == 1 && rule.raw_single ? r : r - mean;
  };
  // Equal rewards have no signal; the difference to their rounded mean may still be 1e-17 and would be blown up by the
  // std. What is whitened over the batch is compared with other groups.
  const bool flat = n > 1 && all_equal(rewards) && kind != Advantage::batch && kind != Advantage::reinforce_pp;
  for (size_t k = 0; k < members.size(); ++k) out[members[k]] = flat ? 0 : less_baseline(rewards[k]);
}

void divide_by_group_std(std::span<const ScoredSample> samples, const Members& members, const Convention& rule,
                         std::vector<double>& out) {
  if (members.size() == 1) return;
  for (const size_t i : members) {
    std::vector<double> rewards;
    for (const size_t j : members) {
      if (!rule.of_others || i != j) rewards.push_back(samples[j].reward);
    }
    if (rule.of_others && all_equal(rewards)) continue;  // one odd answer: the std of equals measures nothing
    out[i] /= deviation(rewards, rule.unbiased) + rule.eps;
  }
}

void divide_by_batch_std(std::span<const ScoredSample> samples, const Members& valid, const Convention& rule,
                         std::vector<double>& out) {
  const double divisor = deviation(rewards_of(samples, valid), rule.unbiased) + rule.eps;
  for (const size_t i : valid) out[i] /= divisor;
}

// Over all tokens, so that a long answer counts as often as it has some, or over the answers.
void whiten(std::span<const ScoredSample> samples, const Members& valid, bool by_token, std::vector<double>& out) {
  std::vector<double> values, weights;
  for (const size_t i : valid) {
    values.push_back(out[i]);
    weights.push_back(by_token ? samples[i].length - samples[i].masked : 1);
  }
  const auto white = whitened(values, weights);
  for (size_t k = 0; k < valid.size(); ++k) out[valid[k]] = white[k];
}

// GDPO, as TRL's normalize_then_sum: every part by itself against its group, the weighted sum against the batch.
std::vector<double> normalize_then_sum(const ObjectiveSettings& settings, std::span<const ScoredSample> samples) {
  ObjectiveSettings one = settings;
  one.multi_reward = MultiReward::sum;
  one.advantage = Advantage::group;
  one.std_scope = Scope::group;
  std::vector<double> sum(samples.size(), 0.0);
  const size_t parts = samples.empty() ? 0 : samples.front().parts.size();
  for (size_t p = 0; p < parts; ++p) {
    std::vector<ScoredSample> part(samples.begin(), samples.end());
    for (ScoredSample& s : part) {
      s.valid = s.valid && p < s.parts.size();
      s.reward = s.valid ? s.parts[p] : 0;
    }
    const auto normalised = advantages(one, part);
    for (size_t i = 0; i < sum.size(); ++i) {
      if (part[i].valid) sum[i] += samples[i].part_weights[p] * normalised[i];
    }
  }
  std::vector<double> values;
  for (size_t i = 0; i < sum.size(); ++i) {
    if (samples[i].valid) values.push_back(sum[i]);
  }
  const double divisor = deviation(values, true) + 1e-4;
  const bool flat = all_equal(values);
  double mean = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = samples[i].valid && !flat ? (sum[i] - mean) / divisor : 0;
  return sum;
}

bool all_equal_where_counted(std::span<const double> values, std::span<const double> weights) {
  std::vector<double> counted;
  for (size_t i = 0; i < values.size(); ++i) {
    if (weights[i] > 0) counted.push_back(values[i]);
  }
  return all_equal(counted);
}

}  // namespace

std::vector<double> whitened(std::span<const double> values, std::span<const double> weights) {
  double total = 0, mean = 0, squares = 0;
  for (const double w : weights) total += w;
  for (size_t i = 0; i < values.size(); ++i) mean += values[i] * weights[i] / std::max(total, 1.0);
  std::vector<double> out(values.size(), 0.0);
  if (total < 2 || all_equal_where_counted(values, weights)) return out;
  for (size_t i = 0; i < values.size(); ++i) squares += weights[i] * (values[i] - mean) * (values[i] - mean);
  const double divisor = std::sqrt(squares / (total - 1) + 1e-8);
  for (size_t i = 0; i < values.size(); ++i) out[i] = (values[i] - mean) / divisor;
  return out;
}

std::vector<double> advantages(const ObjectiveSettings& settings, std::span<const ScoredSample> given) {
  std::vector<ScoredSample> samples(given.begin(), given.end());
  std::map<int32_t, Members> groups;
  Members valid;
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i].valid = samples[i].valid && std::isfinite(samples[i].reward);
    if (!samples[i].valid) continue;
    groups[samples[i].group].push_back(i);
    valid.push_back(i);
  }
  if (settings.multi_reward == MultiReward::normalize_then_sum) return normalize_then_sum(settings, samples);
  const Advantage kind = settings.advantage;
  const Convention& rule = convention(settings.std_convention);
  std::vector<double> out(samples.size(), 0.0);
  for (const auto& [group, members] : groups) subtract_baseline(kind, samples, members, rule, out);
  if (whitened_over_batch(kind)) {
    whiten(samples, valid, kind != Advantage::batch, out);
  } else if (kind == Advantage::group && rule.divides && settings.std_scope == Scope::batch) {
    divide_by_batch_std(samples, valid, rule, out);
  } else if (kind == Advantage::group && rule.divides) {
    for (const auto& [group, members] : groups) divide_by_group_std(samples, members, rule, out);
  }
  return out;
}

std::vector<uint8_t> without_spread(std::span<const ScoredSample> samples) {
  std::map<int32_t, Members> groups;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].valid && std::isfinite(samples[i].reward)) groups[samples[i].group].push_back(i);
  }
  std::vector<uint8_t> flat(samples.size(), 1);
  for (const auto& [group, members] : groups) {
    const bool equal = all_equal(rewards_of(samples, members));
    for (const size_t i : members) flat[i] = equal;
  }
  return flat;
}

}  // namespace posttrain::rl
