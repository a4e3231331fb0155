#include "store/metric_names.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace posttrain::store {
namespace {

// TRL's trainers log these; a name that ends in '/' stands for its group.
constexpr std::array<std::string_view, 23> trl_names = {
    "loss",
    "grad_norm",
    "learning_rate",
    "reward",
    "reward_std",
    "frac_reward_zero_std",
    "rewards/",
    "completions/",
    "entropy",
    "kl",
    "policy_loss",
    "clip_ratio/",
    "entropy_coef",
    "sampling/",
    "mean_token_accuracy",
    "num_tokens",
    "epoch",
    "logps/",
    "logits/",
    "cispo_clip_ratio",
    "tools/",
    "eval_",
    "step_time",
};

size_t rank(std::string_view name) {
  if (name.starts_with("timing_s/")) return trl_names.size() + 1;
  if (name.starts_with("perf/")) return trl_names.size() + 2;
  for (size_t i = 0; i < trl_names.size(); ++i) {
    const std::string_view known = trl_names[i];
    const bool group = known.ends_with('/') || known.ends_with('_');
    if (group ? name.starts_with(known) : name == known) return i;
  }
  return trl_names.size();
}

bool before(std::string_view a, std::string_view b) {
  const size_t rank_a = rank(a), rank_b = rank(b);
  return rank_a != rank_b ? rank_a < rank_b : a < b;
}

}  // namespace

bool is_timing(std::string_view name) {
  return name.starts_with("timing_s/") || name.starts_with("perf/") || name == "step_time";
}

void sort_metric_names(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end(), before);
}

void sort_metrics(Metrics& metrics) {
  std::stable_sort(metrics.begin(), metrics.end(),
                   [](const auto& a, const auto& b) { return before(a.first, b.first); });
}

}  // namespace posttrain::store
