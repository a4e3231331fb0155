#include "rl/objective.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"

namespace posttrain::rl {
namespace {

// A log-ratio beyond this appears only where training is lost already; the clamp keeps the arithmetic finite.
constexpr double log_limit = 20;

double safe_exp(double x) {
  return std::exp(std::clamp(x, -log_limit, log_limit));
}

double counted_tokens(const ObjectiveBatch& batch, int64_t sample) {
  double sum = 0;
  for (int64_t t = batch.begin[sample]; t < batch.begin[sample + 1]; ++t) sum += batch.mask[t];
  return sum;
}

std::vector<double> aggregation_weights(const ObjectiveSettings& s, const ObjectiveBatch& batch) {
  const auto n = static_cast<double>(batch.samples());
  double total = 0;
  std::map<int32_t, double> group_tokens;
  for (int64_t i = 0; i < batch.samples(); ++i) {
    const double length = counted_tokens(batch, i);
    total += length;
    group_tokens[batch.group[i]] += length;
  }
  const double constant = s.constant_length > 0 ? s.constant_length : batch.max_completion_tokens;
  std::vector<double> weight;
  for (int64_t i = 0; i < batch.samples(); ++i) {
    double denominator = n;  // sequence_sum
    if (s.aggregation == "sequence_mean") denominator = n * std::max(1.0, counted_tokens(batch, i));
    if (s.aggregation == "token_mean") denominator = std::max(1.0, total);
    if (s.aggregation == "constant") denominator = n * constant;
    if (s.aggregation == "prompt_mean") {
      denominator = static_cast<double>(group_tokens.size()) * std::max(1.0, group_tokens[batch.group[i]]);
    }
    PT_ASSERT(denominator > 0, s.aggregation, denominator);
    weight.push_back(1 / denominator);
  }
  return weight;
}

}  // namespace

struct Objective::Sequence {
  double counted = 0, ratio = 1, correction = 1;
  bool dropped = false;
};

Objective::Objective(const ObjectiveSettings& settings, const ObjectiveBatch& batch)
    : settings_(settings),
      batch_(batch),
      ratio_(settings.ratio == "token"      ? Ratio::token
             : settings.ratio == "sequence" ? Ratio::sequence
                                            : Ratio::sequence_token),
      clip_(settings.clip == "none"    ? Clip::none
            : settings.clip == "ppo"   ? Clip::ppo
            : settings.clip == "cispo" ? Clip::cispo
                                       : Clip::sapo),
      kl_(settings.kl == "k1"   ? Kl::k1
          : settings.kl == "k2" ? Kl::k2
          : settings.kl == "k3" ? Kl::k3
                                : Kl::unbiased) {
  const auto tokens = static_cast<size_t>(batch.tokens());
  PT_ASSERT(batch.advantage.size() == tokens && batch.mask.size() == tokens, batch.advantage.size(), tokens);
  PT_ASSERT(batch.group.size() == static_cast<size_t>(batch.samples()), batch.group.size());
  PT_ASSERT(batch.old_logp.empty() || batch.old_logp.size() == tokens, batch.old_logp.size(), tokens);
  PT_ASSERT(settings.beta == 0 || settings.kl_in != "loss" || batch.ref_logp.size() == tokens, batch.ref_logp.size());
  weight_ = aggregation_weights(settings, batch);
}

// The policy term as a function of the ratio. Forms: PPO clip with TRL's cap `delta` and verl's dual clip; CISPO and
// SAPO as in TRL 1.16. CISPO's loss is a weighted log-likelihood: its value here still lacks the factor logp.
Objective::Term Objective::policy_term(double ratio, double advantage) const {
  const auto& s = settings_;
  if (clip_ == Clip::none) return {-ratio * advantage, -ratio * advantage};
  if (clip_ == Clip::cispo) {
    const double bounded = std::min(ratio, s.clip_high);
    return {-bounded * advantage, -bounded * advantage};
  }
  if (clip_ == Clip::sapo) {
    const double tau = advantage > 0 ? s.sapo_tau_positive : s.sapo_tau_negative;
    const double gate = 1 / (1 + std::exp(-tau * (ratio - 1)));
    return {-4 / tau * gate * advantage, -4 * gate * (1 - gate) * ratio * advantage};
  }
  const bool capped = s.ratio_cap > 0 && ratio > s.ratio_cap;
  const double free = (capped ? s.ratio_cap : ratio) * advantage;
  const double clipped_ratio = std::clamp(ratio, 1 - s.clip_low, 1 + s.clip_high);
  const double clipped = clipped_ratio * advantage;
  Term term = free <= clipped ? Term{-free, capped ? 0 : -ratio * advantage}
                              : Term{-clipped, clipped_ratio == ratio ? -ratio * advantage : 0};
  const double bound = -s.dual_clip * advantage;
  if (s.dual_clip > 0 && advantage < 0 && term.value > bound) term = {bound, 0};
  return term;
}

// Schulman's estimators (joschu.net/blog/kl-approx.html) of KL(new || ref); slope = d value / d logp, without what runs
// through the ratio.
Objective::Term Objective::kl_term(double ref_minus_new, double ratio) const {
  const double d = std::clamp(ref_minus_new, -log_limit, log_limit);
  const double k3 = std::exp(d) - d - 1, k3_slope = 1 - std::exp(d);
  switch (kl_) {
    case Kl::k1:
      return {-d, 1};
    case Kl::k2:
      return {d * d / 2, -d};
    case Kl::k3:
      return {k3, k3_slope};
    case Kl::unbiased:
      return {ratio * k3, ratio * k3_slope};
  }
  return {0, 0};
}

// The weight that corrects for a sampler whose probabilities differ from the trainer's.
double Objective::correction(double token_correction, double sequence_correction) const {
  if (settings_.importance == "none") return 1;
  const double c = settings_.importance.starts_with("token") ? token_correction : sequence_correction;
  if (settings_.importance.ends_with("truncate")) {
    return std::clamp(c, settings_.importance_min, settings_.importance_max);
  }
  return c >= settings_.importance_min && c <= settings_.importance_max ? c : 0;
}

Objective::Sequence Objective::sequence_sums(int64_t sample, std::span<const double> logp) const {
  const int64_t begin = batch_.begin[sample];
  Sequence sums;
  double log_ratio = 0, drift = 0, correction = 0;
  for (size_t t = 0; t < logp.size(); ++t) {
    const size_t i = static_cast<size_t>(begin) + t;
    if (!batch_.mask[i]) continue;
    const double old = batch_.old_logp.empty() ? logp[t] : batch_.old_logp[i];
    const double sampler = batch_.sampler_logp.empty() ? old : batch_.sampler_logp[i];
    sums.counted += 1;
    log_ratio += logp[t] - old;
    drift += sampler - logp[t];
    correction += old - sampler;
  }
  const double length = std::max(1.0, sums.counted);
  sums.ratio = safe_exp(log_ratio / length);
  sums.correction = safe_exp(correction);
  sums.dropped = settings_.off_policy_mask > 0 && !logp.empty() && batch_.advantage[begin] < 0 &&
                 drift / length > settings_.off_policy_mask;
  return sums;
}

void Objective::evaluate_sample(int64_t sample, std::span<const double> logp, std::span<const double> entropy,
                                double threshold, size_t at, ObjectiveResult& result) const {
  const auto& s = settings_;
  const double w = weight_[static_cast<size_t>(sample)];
  const Sequence sequence = sequence_sums(sample, logp);
  const bool shared_ratio = ratio_ == Ratio::sequence;
  double shared_slope = 0;  // sum of the slopes of tokens that share one ratio

  for (size_t t = 0; t < logp.size(); ++t) {
    const size_t i = static_cast<size_t>(batch_.begin[sample]) + t, out = at + t;
    const double old = batch_.old_logp.empty() ? logp[t] : batch_.old_logp[i];
    const double ratio = ratio_ == Ratio::token ? safe_exp(logp[t] - old) : sequence.ratio;
    result.ratio[out] = ratio;
    if (!batch_.mask[i]) continue;

    Term policy = policy_term(ratio, batch_.advantage[i]);
    if (clip_ == Clip::cispo) policy.value *= logp[t];
    double scale = sequence.dropped || (!entropy.empty() && entropy[t] < threshold) ? 0 : 1;
    if (!batch_.sampler_logp.empty()) {
      scale *= correction(safe_exp(old - batch_.sampler_logp[i]), sequence.correction);
    }
    result.per_token[out] = scale * policy.value;
    (shared_ratio && clip_ != Clip::cispo ? shared_slope : result.dlogp[out]) += w * scale * policy.slope;

    if (!batch_.ref_logp.empty()) {
      const Term kl = kl_term(batch_.ref_logp[i] - logp[t], ratio);
      result.kl[out] = kl.value;
      result.kl_sum += kl.value;
      if (s.kl_in == "loss") {
        result.per_token[out] += s.beta * kl.value;
        result.dlogp[out] += w * s.beta * kl.slope;
        if (kl_ == Kl::unbiased) (shared_ratio ? shared_slope : result.dlogp[out]) += w * s.beta * kl.value;
      }
    }
    if (s.entropy_coef != 0) {
      result.per_token[out] -= s.entropy_coef * entropy[t];
      result.dentropy[out] = -w * s.entropy_coef;
    }
    if (!entropy.empty()) result.entropy_sum += entropy[t];
    result.loss += w * result.per_token[out];
    result.counted += 1;
    result.ratio_min = std::min(result.ratio_min, ratio);
    result.ratio_max = std::max(result.ratio_max, ratio);
    if (shared_ratio && sequence.counted > 0) continue;
    result.clip_counted += 1;
    result.clip_low += ratio < 1 - s.clip_low && batch_.advantage[i] < 0;
    result.clip_high += ratio > 1 + s.clip_high && batch_.advantage[i] > 0;
  }
  if (!shared_ratio || sequence.counted == 0) return;
  for (size_t t = 0; t < logp.size(); ++t) {  // d log s / d logp_t = 1 / L for each counted token
    if (batch_.mask[static_cast<size_t>(batch_.begin[sample]) + t])
      result.dlogp[at + t] += shared_slope / sequence.counted;
  }
  const double advantage = batch_.advantage[static_cast<size_t>(batch_.begin[sample])];
  result.clip_counted += 1;
  result.clip_low += sequence.ratio < 1 - s.clip_low && advantage < 0;
  result.clip_high += sequence.ratio > 1 + s.clip_high && advantage > 0;
}

ObjectiveResult Objective::evaluate(int64_t first, int64_t last, std::span<const double> logp,
                                    std::span<const double> entropy, double entropy_threshold) const {
  const auto tokens = static_cast<size_t>(batch_.begin[last] - batch_.begin[first]);
  PT_ASSERT(logp.size() == tokens, logp.size(), tokens);
  PT_ASSERT(entropy.empty() || entropy.size() == tokens, entropy.size(), tokens);
  PT_ASSERT(settings_.entropy_coef == 0 || entropy.size() == tokens, settings_.entropy_coef);
  ObjectiveResult result;
  for (auto* values : {&result.dlogp, &result.dentropy, &result.per_token, &result.kl}) values->assign(tokens, 0.0);
  result.ratio.assign(tokens, 1.0);
  for (int64_t i = first; i < last; ++i) {
    const auto at = static_cast<size_t>(batch_.begin[i] - batch_.begin[first]);
    const auto length = static_cast<size_t>(batch_.begin[i + 1] - batch_.begin[i]);
    evaluate_sample(i, logp.subspan(at, length), entropy.empty() ? entropy : entropy.subspan(at, length),
                    entropy_threshold, at, result);
  }
  return result;
}

double Objective::entropy_threshold(std::span<const double> entropy) const {
  constexpr double none = -std::numeric_limits<double>::infinity();
  if (settings_.top_entropy_fraction >= 1) return none;
  std::vector<double> counted;
  for (size_t t = 0; t < entropy.size(); ++t) {
    if (batch_.mask[t]) counted.push_back(entropy[t]);
  }
  if (counted.empty()) return none;
  // The (1 - fraction) quantile with linear interpolation, as torch.quantile.
  std::sort(counted.begin(), counted.end());
  const double at = (1 - settings_.top_entropy_fraction) * static_cast<double>(counted.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, counted.size() - 1);
  return counted[low] + (at - static_cast<double>(low)) * (counted[high] - counted[low]);
}

}  // namespace posttrain::rl
