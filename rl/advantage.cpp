#include "rl/advantage.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace posttrain::rl {
namespace {

struct Convention {
  bool divides, unbiased;
  double eps;
  bool raw_single;  // a group of one keeps its reward
};

Convention convention(const std::string& name) {
  if (name == "verl") return {true, true, 1e-6, true};
  if (name == "openrlhf") return {true, true, 1e-9, false};
  if (name == "open_instruct") return {true, false, 1e-8, false};
  if (name == "none") return {false, true, 0, false};
  return {true, true, 1e-4, false};
}

using Members = std::vector<size_t>;

double mean_reward(std::span<const ScoredSample> samples, const Members& members) {
  double sum = 0;
  for (const size_t i : members) sum += samples[i].reward;
  return members.empty() ? 0 : sum / static_cast<double>(members.size());
}

double deviation(const std::vector<double>& values, bool unbiased) {
  const auto n = static_cast<double>(values.size());
  if (n < (unbiased ? 2 : 1)) return 0;
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

bool all_equal(std::span<const ScoredSample> samples, const Members& members) {
  return std::all_of(members.begin(), members.end(),
                     [&](size_t i) { return samples[i].reward == samples[members.front()].reward; });
}

// Rewards less the baseline of their group; the std is applied afterwards.
void subtract_baseline(const std::string& kind, std::span<const ScoredSample> samples, const Members& members,
                       const Convention& rule, std::vector<double>& out) {
  const auto n = static_cast<double>(members.size());
  const double mean = mean_reward(samples, members);
  for (const size_t i : members) {
    const double r = samples[i].reward;
    if (kind == "leave_one_out") {
      out[i] = n > 1 ? (r - mean) * n / (n - 1) : 0;  // r - (sum of the others) / (n - 1)
    } else if (kind == "opo") {
      out[i] = r - length_weighted_mean(samples, members);
    } else if (kind == "maxrl") {
      out[i] = mean != 0 ? (r - mean) / mean : 0;
    } else if (kind == "reinforce++" || kind == "batch") {
      out[i] = r;  // the baseline is the batch's, below
    } else {
      out[i] = members.size() == 1 && rule.raw_single ? r : r - mean;
    }
  }
  // Equal rewards have no signal; the difference to their rounded mean may still be 1e-17 and would be blown up by the
  // std.
  if (members.size() > 1 && kind != "reinforce++" && kind != "batch" && all_equal(samples, members)) {
    for (const size_t i : members) out[i] = 0;
  }
}

}  // namespace

std::vector<double> advantages(const ObjectiveSettings& settings, std::span<const ScoredSample> samples) {
  const std::string& kind = settings.advantage;
  const Convention rule = convention(settings.std_convention);
  std::map<int32_t, Members> groups;
  Members valid;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!samples[i].valid) continue;
    groups[samples[i].group].push_back(i);
    valid.push_back(i);
  }
  std::vector<double> out(samples.size(), 0.0);
  for (const auto& [group, members] : groups) subtract_baseline(kind, samples, members, rule, out);

  const bool whitened = kind == "reinforce++" || kind == "reinforce++_baseline" || kind == "batch";
  const bool by_group = kind == "group" && rule.divides && settings.std_scope == "group";
  const bool by_batch = (kind == "group" && rule.divides && settings.std_scope == "batch") || whitened;
  if (by_group) {
    for (const auto& [group, members] : groups) {
      if (members.size() == 1) continue;
      std::vector<double> rewards;
      for (const size_t i : members) rewards.push_back(samples[i].reward);
      const double divisor = deviation(rewards, rule.unbiased) + rule.eps;
      for (const size_t i : members) out[i] /= divisor;
    }
  }
  if (by_batch) {
    std::vector<double> values;  // TRL divides by the std of the rewards; whitening by that of the centred values
    double mean = 0;
    for (const size_t i : valid) {
      values.push_back(whitened ? out[i] : samples[i].reward);
      mean += values.back() / static_cast<double>(valid.size());
    }
    const double divisor = deviation(values, rule.unbiased) + (rule.eps > 0 ? rule.eps : 1e-8);
    const bool flat = std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); });
    for (const size_t i : valid) out[i] = flat ? 0 : (whitened ? out[i] - mean : out[i]) / divisor;
  }
  return out;
}

std::vector<uint8_t> without_spread(std::span<const ScoredSample> samples) {
  std::map<int32_t, Members> groups;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].valid) groups[samples[i].group].push_back(i);
  }
  std::vector<uint8_t> flat(samples.size(), 1);
  for (const auto& [group, members] : groups) {
    const bool equal = all_equal(samples, members);
    for (const size_t i : members) flat[i] = equal;
  }
  return flat;
}

}  // namespace posttrain::rl
