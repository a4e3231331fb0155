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
    double denominator = n;
    switch (s.aggregation) {
      case Aggregation::sequence_sum:
        break;
      case Aggregation::sequence_mean:
        denominator = n * std::max(1.0, counted_tokens(batch, i));
        break;
      case Aggregation::token_mean:
        denominator = std::max(1.0, total);
        break;
      case Aggregation::constant:
        denominator = n * constant;
        break;
      case Aggregation::prompt_mean:
        denominator = static_cast<double>(group_tokens.size()) * std::max(1.0, group_tokens[batch.group[i]]);
        break;
    }
    PT_ASSERT(denominator > 0, to_string(s.aggregation), denominator);
    weight.push_back(1 / denominator);
  }
  return weight;
}

}  // namespace

// One answer as a whole, over its counted tokens.
struct Objective::Sequence {
  double counted = 0;
  double advantage = 0;  // mean
  double ratio = 1;
  double ratio_tokens = 1;  // that the log ratio is the mean over; 1 for their sum
  double correction = 1;
  bool dropped = false;
};

Objective::Objective(const ObjectiveSettings& settings, const ObjectiveBatch& batch)
    : settings_(settings), batch_(batch) {
  const auto tokens = static_cast<size_t>(batch.tokens());
  PT_ASSERT(batch.advantage.size() == tokens && batch.mask.size() == tokens, batch.advantage.size(), tokens);
  PT_ASSERT(batch.group.size() == static_cast<size_t>(batch.samples()), batch.group.size());
  PT_ASSERT(batch.old_logp.empty() || batch.old_logp.size() == tokens, batch.old_logp.size(), tokens);
  PT_ASSERT(settings.beta == 0 || settings.kl_in != KlIn::loss || batch.ref_logp.size() == tokens,
            batch.ref_logp.size());
  weight_ = aggregation_weights(settings, batch);
}

// The policy term as a function of the ratio. Forms: PPO clip with TRL's cap `delta` and verl's dual clip; CISPO and
// SAPO as in TRL 1.16. CISPO's loss is a weighted log-likelihood: its value here still lacks the factor logp.
Objective::Term Objective::policy_term(double ratio, double advantage) const {
  const auto& s = settings_;
  if (s.clip == Clip::none) return {-ratio * advantage, -ratio * advantage};
  if (s.clip == Clip::cispo) {
    const double bounded = std::min(ratio, s.clip_high);
    return {-bounded * advantage, -bounded * advantage};
  }
  if (s.clip == Clip::sapo) {
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
  switch (settings_.kl) {
    case Kl::k1:
      return {-d, -d};  // its own slope of 1 averages to nothing; this one, k2's, to the KL's (verl's k1+)
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
  const double low = settings_.importance_min, high = settings_.importance_max;
  const auto masked = [&](double c) { return c >= low && c <= high ? c : 0; };
  switch (settings_.importance) {
    case Importance::none:
      return 1;
    case Importance::token_truncate:
      return std::clamp(token_correction, low, high);
    case Importance::token_mask:
      return masked(token_correction);
    case Importance::sequence_truncate:
      return std::clamp(sequence_correction, low, high);
    case Importance::sequence_mask:
      return masked(sequence_correction);
  }
  return 1;
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
    sums.advantage += batch_.advantage[i];
    log_ratio += logp[t] - old;
    drift += sampler - logp[t];
    correction += old - sampler;
  }
  const double length = std::max(1.0, sums.counted);
  sums.advantage /= length;
  sums.ratio_tokens = settings_.ratio == Ratio::sequence_sum ? 1 : length;
  sums.ratio = safe_exp(log_ratio / sums.ratio_tokens);
  sums.correction = safe_exp(correction);
  sums.dropped = settings_.off_policy_mask > 0 && sums.advantage < 0 && drift / length > settings_.off_policy_mask;
  return sums;
}

void Objective::evaluate_sample(int64_t sample, std::span<const double> logp, std::span<const double> entropy,
                                double threshold, size_t at, ObjectiveResult& result) const {
  const auto& s = settings_;
  const double w = weight_[static_cast<size_t>(sample)];
  const Sequence sequence = sequence_sums(sample, logp);
  const bool shared_ratio = s.ratio == Ratio::sequence || s.ratio == Ratio::sequence_sum;
  double shared_slope = 0;  // sum of the slopes of tokens that share one ratio

  for (size_t t = 0; t < logp.size(); ++t) {
    const size_t i = static_cast<size_t>(batch_.begin[sample]) + t, out = at + t;
    const double old = batch_.old_logp.empty() ? logp[t] : batch_.old_logp[i];
    const double ratio = s.ratio == Ratio::token ? safe_exp(logp[t] - old) : sequence.ratio;
    result.ratio[out] = ratio;
    if (!batch_.mask[i]) continue;

    Term policy = policy_term(ratio, batch_.advantage[i]);
    if (s.clip == Clip::cispo) policy.value *= logp[t];
    double scale = sequence.dropped || (!entropy.empty() && entropy[t] < threshold) ? 0 : 1;
    if (!batch_.sampler_logp.empty()) {
      result.importance[out] = correction(safe_exp(old - batch_.sampler_logp[i]), sequence.correction);
      scale *= result.importance[out];
    }
    result.per_token[out] = scale * policy.value;
    (shared_ratio && s.clip != Clip::cispo ? shared_slope : result.dlogp[out]) += w * scale * policy.slope;

    if (!batch_.ref_logp.empty()) {
      const Term kl = kl_term(batch_.ref_logp[i] - logp[t], ratio);
      result.kl[out] = kl.value;
      result.kl_sum += kl.value;
      if (s.kl_in == KlIn::loss) {
        result.per_token[out] += s.beta * kl.value;
        result.dlogp[out] += w * s.beta * kl.slope;
        if (s.kl == Kl::unbiased) (shared_ratio ? shared_slope : result.dlogp[out]) += w * s.beta * kl.value;
      }
    }
    if (s.entropy_coef != 0) {
      result.per_token[out] -= s.entropy_coef * entropy[t];
      result.dentropy[out] = -w * s.entropy_coef;
    }
    if (!entropy.empty()) result.entropy_sum += entropy[t];
    result.loss += w * result.per_token[out];
    result.counted += 1;
    result.ratio_sum += ratio;
    result.ratio_min = std::min(result.ratio_min, ratio);
    result.ratio_max = std::max(result.ratio_max, ratio);
    if (!shared_ratio) count_clip(ratio, batch_.advantage[i], result);
  }
  if (!shared_ratio || sequence.counted == 0) return;
  for (size_t t = 0; t < logp.size(); ++t) {
    if (batch_.mask[static_cast<size_t>(batch_.begin[sample]) + t])
      result.dlogp[at + t] += shared_slope / sequence.ratio_tokens;
  }
  count_clip(sequence.ratio, sequence.advantage, result);
}

// Counts the edges that the clip in use has: PPO's where they take the gradient away, as TRL; CISPO's cap, which binds
// whatever the advantage. The other two have none.
void Objective::count_clip(double ratio, double advantage, ObjectiveResult& result) const {
  const auto& s = settings_;
  result.clip_counted += 1;
  if (s.clip == Clip::ppo) {
    result.clip_low += ratio < 1 - s.clip_low && advantage < 0;
    result.clip_high += ratio > 1 + s.clip_high && advantage > 0;
  } else if (s.clip == Clip::cispo) {
    result.clip_high += ratio > s.clip_high;
  }
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
  result.importance.assign(tokens, 1.0);
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
