#include "rl/policy_update.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/shuffle.h"

namespace posttrain::rl {
namespace {

// Which samples form which minibatch: in order when there is one optimizer step, else shuffled. Within a minibatch they
// stand in order again, so that those of one group share its prompt.
std::vector<int64_t> sample_order(int64_t count, const UpdateSettings& s, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  if (s.minibatches == 1) return order;
  Rng rng({s.seed, s.stage, hash_name("minibatch"), s.step, static_cast<uint64_t>(epoch)});
  shuffle(order, rng);
  for (int64_t m = 0; m < s.minibatches; ++m) {
    std::sort(order.begin() + count * m / s.minibatches, order.begin() + count * (m + 1) / s.minibatches);
  }
  return order;
}

// One optimizer step over some of the samples.
class Minibatch {
 public:
  Minibatch(const RolloutBatch& rollout, const ObjectiveSettings& settings, std::span<const int64_t> chosen)
      : rollout_(rollout),
        settings_(settings),
        chosen_(chosen),
        batch_(rollout.part(chosen)),
        objective_(settings, batch_) {
    threshold_ = entropy_threshold();
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (has_gradient(i)) active_.push_back(i);
    }
    for (const size_t i : active_) samples_.push_back(rollout.samples[chosen[i]]);
  }

  bool empty() const { return active_.empty(); }
  std::span<const rollout::TrainSample> samples() const { return samples_; }

  // Coefficients of active samples [first, last) from their scores.
  model::Coefficients coefficients(size_t first, size_t last, const model::Scores& scores, bool first_update,
                                   int64_t policy_version, UpdateMetrics& sums) const {
    const std::vector<double> logp(scores.logp.begin(), scores.logp.end());
    const std::vector<double> entropy(scores.entropy.begin(), scores.entropy.end());
    model::Coefficients out;
    size_t at = 0;
    for (size_t a = first; a < last; ++a) {
      const auto i = static_cast<int64_t>(active_[a]);
      const auto& sampler = samples_[a].completion->logp;
      const auto result = objective_.evaluate(i, i + 1, std::span(logp).subspan(at, sampler.size()),
                                              std::span(entropy).subspan(at, sampler.size()), threshold_);
      out.dlogp.insert(out.dlogp.end(), result.dlogp.begin(), result.dlogp.end());
      if (settings_.entropy_coef != 0)
        out.dentropy.insert(out.dentropy.end(), result.dentropy.begin(), result.dentropy.end());
      sums.add(result);
      if (first_update) {
        const bool fresh = samples_[a].completion->policy_version == policy_version;
        const auto trainer = std::span(scores.logp).subspan(at, sampler.size());
        sums.add_mismatch(trainer, sampler, fresh);
        for (size_t t = 0; t < sampler.size(); ++t) {
          if (!batch_.mask[static_cast<size_t>(batch_.begin[i]) + t]) continue;
          const bool corrected = !batch_.sampler_logp.empty();
          sums.add_importance(corrected ? result.importance[t] : std::exp(double{trainer[t]} - double{sampler[t]}));
        }
      }
      at += sampler.size();
    }
    return out;
  }

 private:
  bool has_gradient(size_t i) const {
    const auto begin = batch_.mask.begin() + batch_.begin[i], end = batch_.mask.begin() + batch_.begin[i + 1];
    if (std::find(begin, end, 1) == end) return false;
    const bool kl = settings_.beta != 0 && settings_.kl_in == KlIn::loss;
    const auto first = batch_.advantage.begin() + batch_.begin[i],
               last = batch_.advantage.begin() + batch_.begin[i + 1];
    return kl || settings_.entropy_coef != 0 || std::any_of(first, last, [](double a) { return a != 0; });
  }

  // From the sampler's entropies: they are the current policy's on the first update and known before any forward.
  double entropy_threshold() const {
    if (settings_.top_entropy_fraction >= 1) return -std::numeric_limits<double>::infinity();
    std::vector<double> entropy;
    for (const int64_t i : chosen_) {
      const auto& values = rollout_.answers[i]->completion.entropy;
      entropy.insert(entropy.end(), values.begin(), values.end());
    }
    return objective_.entropy_threshold(entropy);
  }

  const RolloutBatch& rollout_;
  const ObjectiveSettings& settings_;
  std::span<const int64_t> chosen_;
  ObjectiveBatch batch_;
  Objective objective_;
  double threshold_ = 0;
  std::vector<size_t> active_;  // indices into batch_
  std::vector<rollout::TrainSample> samples_;
};

}  // namespace

UpdateMetrics update_policy(model::Learner& learner, const RolloutBatch& batch, const ObjectiveSettings& objective,
                            const UpdateSettings& s, const PhaseCallback& phase) {
  UpdateMetrics sums;
  const int64_t n = std::ssize(batch.samples);
  for (int64_t epoch = 0; epoch < s.epochs; ++epoch) {
    const auto order = sample_order(n, s, epoch);
    for (int64_t m = 0; m < s.minibatches; ++m) {
      const int64_t from = n * m / s.minibatches, to = n * (m + 1) / s.minibatches;
      const Minibatch minibatch(batch, objective, std::span(order).subspan(from, to - from));
      if (minibatch.empty()) continue;
      const bool first_update = sums.optimizer_steps == 0;
      for (const auto& [first, last] : rollout::micro_batches(minibatch.samples(), s.micro_batch_tokens)) {
        phase("update", epoch * n + from + static_cast<int64_t>(first), s.epochs * n, 0);
        const auto packed = rollout::pack_samples(minibatch.samples(), first, last, s.temperature);
        learner.accumulate(packed, [&, first = first, last = last](const model::Scores& scores) {
          return minibatch.coefficients(first, last, scores, first_update, static_cast<int64_t>(s.step), sums);
        });
        sums.rows += packed.rows() - packed.open_rows;
      }
      sums.add_step(learner.step(s.lr));
    }
  }
  return sums;
}

}  // namespace posttrain::rl
