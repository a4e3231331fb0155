// Every combination of the objective's parts against one independent float64 reading, loss and gradient.
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "rl/objective.h"

namespace posttrain::rl {
namespace {

struct DrawnAnswer {
  int group = 0;
  double advantage = 0;
  std::vector<double> logp, old_logp, sampler_logp, ref_logp;
  std::vector<int> mask;

  double counted() const {
    double n = 0;
    for (const int m : mask) n += m;
    return n;
  }
};

std::vector<DrawnAnswer> random_answers(uint64_t seed) {
  Rng rng({seed, hash_name("parts")});
  std::vector<DrawnAnswer> answers;
  for (int i = 0; i < 5; ++i) {
    DrawnAnswer a{.group = i / 3, .advantage = rng.normal()};
    for (int64_t t = rng.integer(2, 6); t > 0; --t) {
      a.logp.push_back(-0.2 - 2 * rng.uniform());
      a.old_logp.push_back(a.logp.back() + 0.4 * rng.normal());
      a.sampler_logp.push_back(a.old_logp.back() + 0.2 * rng.normal());
      a.ref_logp.push_back(a.logp.back() + 0.5 * rng.normal());
      a.mask.push_back(t == 2 && i % 2 == 0 ? 0 : 1);
    }
    answers.push_back(a);
  }
  return answers;
}

double mean_log(const DrawnAnswer& a, const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t t = 0; t < x.size(); ++t) sum += a.mask[t] * (x[t] - y[t]);
  return sum / a.counted();
}

double policy_value(const ObjectiveSettings& s, double ratio, double held, double advantage, double logp) {
  if (s.clip == Clip::none) return -ratio * advantage;
  if (s.clip == Clip::cispo) return -std::min(held, s.clip_high) * advantage * logp;
  if (s.clip == Clip::sapo) {
    const double tau = advantage > 0 ? s.sapo_tau_positive : s.sapo_tau_negative;
    return -advantage * 4 / tau / (1 + std::exp(-tau * (ratio - 1)));
  }
  const double capped = s.ratio_cap > 0 ? std::min(ratio, s.ratio_cap) : ratio;
  const double clipped = std::min(std::max(ratio, 1 - s.clip_low), 1 + s.clip_high);
  double value = std::max(-capped * advantage, -clipped * advantage);
  if (s.dual_clip > 0 && advantage < 0) value = std::min(value, -s.dual_clip * advantage);
  return value;
}

double importance(const ObjectiveSettings& s, const DrawnAnswer& a, size_t t) {
  const std::string kind = to_string(s.importance);
  double gap = a.old_logp[t] - a.sampler_logp[t];
  if (kind.starts_with("sequence")) gap = a.counted() * mean_log(a, a.old_logp, a.sampler_logp);
  const double weight = std::exp(gap);
  if (kind.ends_with("truncate")) return std::min(std::max(weight, s.importance_min), s.importance_max);
  if (kind.ends_with("mask")) return weight >= s.importance_min && weight <= s.importance_max ? weight : 0;
  return 1;
}

// `fixed` holds the log-probabilities at which the gradient is taken: what carries no gradient is read there.
double loss(const ObjectiveSettings& s, const std::vector<DrawnAnswer>& batch, const std::vector<DrawnAnswer>& fixed) {
  double tokens = 0, total = 0;
  std::vector<double> group_tokens(2, 0.0);
  for (const DrawnAnswer& a : batch) {
    tokens += a.counted();
    group_tokens[a.group] += a.counted();
  }
  const auto n = static_cast<double>(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    const DrawnAnswer& a = batch[i];
    const double tokens_in_log = s.ratio == Ratio::sequence_sum ? a.counted() : 1;
    const double sequence = std::exp(tokens_in_log * mean_log(a, a.logp, a.old_logp));
    const double held_sequence = std::exp(tokens_in_log * mean_log(fixed[i], fixed[i].logp, fixed[i].old_logp));
    double sum = 0;
    for (size_t t = 0; t < a.logp.size(); ++t) {
      if (a.mask[t] == 0) continue;
      const double held_token = std::exp(fixed[i].logp[t] - a.old_logp[t]);
      double ratio = std::exp(a.logp[t] - a.old_logp[t]), held = held_token;
      if (s.ratio == Ratio::sequence || s.ratio == Ratio::sequence_sum) ratio = sequence;
      if (s.ratio == Ratio::sequence_token) ratio = held_sequence * std::exp(a.logp[t] - fixed[i].logp[t]);
      if (s.ratio != Ratio::token) held = held_sequence;
      const double d = a.ref_logp[t] - a.logp[t], k3 = std::exp(d) - d - 1;
      const double held_d = fixed[i].ref_logp[t] - fixed[i].logp[t];  // k1's value, with k2's gradient
      const double kl = s.kl == Kl::k1   ? d * d / 2 - held_d * held_d / 2 - held_d
                        : s.kl == Kl::k2 ? d * d / 2
                        : s.kl == Kl::k3 ? k3
                                         : ratio * k3;
      sum += importance(s, a, t) * policy_value(s, ratio, held, a.advantage, a.logp[t]) + s.beta * kl;
    }
    if (s.aggregation == Aggregation::sequence_mean) total += sum / a.counted() / n;
    if (s.aggregation == Aggregation::token_mean) total += sum / tokens;
    if (s.aggregation == Aggregation::constant) total += sum / (n * 16);
    if (s.aggregation == Aggregation::sequence_sum) total += sum / n;
    if (s.aggregation == Aggregation::prompt_mean) total += sum / group_tokens[a.group] / 2;
  }
  return total;
}

void expect_equal(const ObjectiveSettings& settings, uint64_t seed) {
  const auto answers = random_answers(seed);
  ObjectiveBatch batch;
  batch.begin.push_back(0);
  batch.max_completion_tokens = 16;
  std::vector<double> logp;
  for (const DrawnAnswer& a : answers) {
    batch.begin.push_back(batch.begin.back() + std::ssize(a.logp));
    batch.group.push_back(a.group);
    for (size_t t = 0; t < a.logp.size(); ++t) {
      logp.push_back(a.logp[t]);
      batch.advantage.push_back(a.advantage);
      batch.old_logp.push_back(a.old_logp[t]);
      batch.ref_logp.push_back(a.ref_logp[t]);
      batch.mask.push_back(static_cast<uint8_t>(a.mask[t]));
      if (settings.importance != Importance::none) batch.sampler_logp.push_back(a.sampler_logp[t]);
    }
  }
  const std::string name = std::string(to_string(settings.ratio)) + " " + to_string(settings.clip) + " " +
                           to_string(settings.aggregation) + " " + to_string(settings.kl) + " " +
                           to_string(settings.importance) + " seed " + std::to_string(seed);
  const auto got = Objective(settings, batch).evaluate(0, batch.samples(), logp, {}, -INFINITY);
  ASSERT_NEAR(got.loss, loss(settings, answers, answers), 1e-12) << name;
  size_t at = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    for (size_t t = 0; t < answers[i].logp.size(); ++t, ++at) {
      constexpr double h = 1e-6;
      auto up = answers, down = answers;
      up[i].logp[t] += h;
      down[i].logp[t] -= h;
      const double slope = (loss(settings, up, answers) - loss(settings, down, answers)) / (2 * h);
      ASSERT_NEAR(got.dlogp[at], slope, 1e-7 * (1 + std::fabs(slope))) << name << " token " << at;
    }
  }
}

std::vector<ObjectiveSettings> clips() {
  std::vector<ObjectiveSettings> all(6, objective_preset("grpo"));
  all[0].clip = Clip::none;
  all[1].clip_high = 0.28;
  all[2].dual_clip = 1.3;
  all[3].ratio_cap = 1.4;
  all[4].clip = Clip::cispo;
  all[4].clip_high = 1.1;
  all[5].clip = Clip::sapo;
  return all;
}

TEST(ObjectiveParts, EveryCombinationOfRatioClipMeanAndKlFollowsItsFormula) {
  for (const Ratio ratio : {Ratio::token, Ratio::sequence, Ratio::sequence_token, Ratio::sequence_sum}) {
    for (auto settings : clips()) {
      for (const Aggregation aggregation : {Aggregation::sequence_mean, Aggregation::token_mean, Aggregation::constant,
                                            Aggregation::sequence_sum, Aggregation::prompt_mean}) {
        for (const Kl kl : {Kl::k1, Kl::k2, Kl::k3, Kl::unbiased}) {
          settings.ratio = ratio;
          settings.aggregation = aggregation;
          settings.kl = kl;
          for (uint64_t seed = 1; seed <= 3; ++seed) expect_equal(settings, seed);
        }
      }
    }
  }
}

TEST(ObjectiveParts, EveryImportanceCorrectionWeighsThePolicyTermAlone) {
  for (const Importance kind :
       {Importance::token_truncate, Importance::token_mask, Importance::sequence_truncate, Importance::sequence_mask}) {
    for (auto settings : clips()) {
      settings.importance = kind;
      settings.importance_min = 0.8;
      settings.importance_max = 1.2;
      for (uint64_t seed = 1; seed <= 3; ++seed) expect_equal(settings, seed);
    }
  }
}

}  // namespace
}  // namespace posttrain::rl
