#include "sft/dpo.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shuffle.h"

namespace posttrain::sft {
namespace {

// Chosen and rejected of each pair side by side: they share the prompt's rows.
std::vector<rollout::TrainSample> samples_of(std::span<const AnswerPair* const> pairs) {
  std::vector<rollout::TrainSample> samples;
  for (const AnswerPair* pair : pairs) {
    samples.push_back({&pair->prompt, &pair->chosen});
    samples.push_back({&pair->prompt, &pair->rejected});
  }
  return samples;
}

// Runs of pairs [first, last) whose rows stay within the limit.
std::vector<std::pair<size_t, size_t>> pair_batches(std::span<const AnswerPair* const> pairs, int64_t limit) {
  std::vector<std::pair<size_t, size_t>> runs;
  int64_t rows = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto more =
        std::ssize(pairs[i]->prompt) + std::ssize(pairs[i]->chosen.ids) + std::ssize(pairs[i]->rejected.ids);
    if (runs.empty() || rows + more > limit) {
      runs.emplace_back(i, i);
      rows = 0;
    }
    rows += more;
    runs.back().second = i + 1;
  }
  return runs;
}

double tokens_of(const rollout::Completion& c) {
  return std::max(1.0, static_cast<double>(c.ids.size()));
}

// Sequence log-probabilities, chosen and rejected by turns, from those of the tokens.
std::vector<double> sequence_sums(std::span<const AnswerPair* const> pairs, std::span<const float> logp) {
  std::vector<double> sums;
  size_t at = 0;
  for (const auto& sample : samples_of(pairs)) {
    const size_t length = sample.completion->ids.size();
    sums.push_back(std::accumulate(logp.begin() + at, logp.begin() + at + length, 0.0));
    at += length;
  }
  return sums;
}

PreferencePair pair_of(const AnswerPair& pair, double chosen, double rejected) {
  return {.chosen = chosen,
          .rejected = rejected,
          .ref_chosen = pair.ref_chosen,
          .ref_rejected = pair.ref_rejected,
          .chosen_tokens = tokens_of(pair.chosen),
          .rejected_tokens = tokens_of(pair.rejected)};
}

// Means over the pairs of a step.
struct Sums {
  double loss = 0, chosen = 0, rejected = 0, right = 0, logp_chosen = 0, logp_rejected = 0, tokens = 0;

  void add(const PreferenceLoss& l, const PreferencePair& pair, double share) {
    loss += share * l.value;
    chosen += share * l.reward_chosen;
    rejected += share * l.reward_rejected;
    right += share * (l.reward_chosen > l.reward_rejected);
    logp_chosen += share * pair.chosen;
    logp_rejected += share * pair.rejected;
    tokens += pair.chosen_tokens + pair.rejected_tokens;
  }
};

}  // namespace

void DpoSettings::visit(Visitor& v) {
  v("steps", steps, {.doc = "Optimizer steps; 0 = what `epochs` takes", .min = 0, .unit = "steps"});
  v("epochs", epochs, {.doc = "Passes over the pairs when steps is 0", .min = 0, .max = 10000});
  v("pairs_per_step", pairs_per_step, {.doc = "Pairs in one optimizer step", .min = 1});
  v("micro_batch_tokens", micro_batch_tokens,
    {.doc = "Most rows in one forward and backward", .min = 1, .unit = "tokens"});
  v("loss", loss, {.doc = "The preference loss"});
  v("training", training, {.doc = "Optimizer and learning rate"});
}

void DpoSettings::check(const Complain& complain) const {
  training.check_length(steps, epochs, complain);
}

void score_reference(model::Transformer& reference, std::vector<AnswerPair>& pairs, int64_t micro_batch_tokens) {
  std::vector<const AnswerPair*> all;
  for (const AnswerPair& pair : pairs) all.push_back(&pair);
  for (const auto& [first, last] : pair_batches(all, micro_batch_tokens)) {
    const auto some = std::span(all).subspan(first, last - first);
    const auto sums = sequence_sums(some, reference.score(rollout::pack_samples(samples_of(some), 1)).logp);
    for (size_t i = first; i < last; ++i) {
      pairs[i].ref_chosen = sums[2 * (i - first)];
      pairs[i].ref_rejected = sums[2 * (i - first) + 1];
    }
  }
}

DpoTrainer::DpoTrainer(model::Learner& learner, const std::vector<AnswerPair>& pairs, const DpoSettings& settings,
                       uint64_t seed, uint64_t stage, bool in_file_order)
    : learner_(learner), pairs_(pairs), settings_(settings), seed_(seed), stage_(stage), in_file_order_(in_file_order) {
  if (pairs.empty()) throw Error("dpo", "pairs", "at least one pair to train on", "none");
  const double count = settings.epochs * static_cast<double>(pairs.size());
  steps_ = settings.steps > 0
               ? settings.steps
               : std::max<int64_t>(1, std::llround(count / static_cast<double>(settings.pairs_per_step)));
}

std::vector<const AnswerPair*> DpoTrainer::drawn(int64_t step) const {
  std::vector<const AnswerPair*> chosen;
  for (const size_t i : drawn_in_passes(pairs_.size(), step * settings_.pairs_per_step, settings_.pairs_per_step, seed_,
                                        stage_, in_file_order_)) {
    chosen.push_back(&pairs_[i]);
  }
  return chosen;
}

// Means over the whole step must be known before its first gradient.
ReferencePoints DpoTrainer::reference_points(std::span<const AnswerPair* const> pairs) {
  ReferencePoints points;
  if (settings_.loss.kind != PreferenceKind::kto) return points;
  const auto n = static_cast<double>(pairs.size());
  for (const auto& [first, last] : pair_batches(pairs, settings_.micro_batch_tokens)) {
    const auto some = pairs.subspan(first, last - first);
    const auto sums = sequence_sums(some, learner_.score(rollout::pack_samples(samples_of(some), 1)).logp);
    for (size_t i = 0; i < some.size(); ++i) {
      points.chosen += (sums[2 * i] - some[i]->ref_chosen) / n;
      points.rejected += (sums[2 * i + 1] - some[i]->ref_rejected) / n;
    }
  }
  return {std::max(0.0, points.chosen), std::max(0.0, points.rejected)};
}

DpoStep DpoTrainer::step(int64_t step) {
  const Clock clock;
  const auto pairs = drawn(step);
  const auto points = reference_points(pairs);
  const double share = 1 / static_cast<double>(pairs.size());
  Sums sums;
  const auto samples = samples_of(pairs);
  for (const auto& [first, last] : pair_batches(pairs, settings_.micro_batch_tokens)) {
    const auto some = std::span(pairs).subspan(first, last - first);
    learner_.accumulate(rollout::pack_samples(samples, 2 * first, 2 * last, 1), [&](const model::Scores& scores) {
      const auto logp = sequence_sums(some, scores.logp);
      model::Coefficients out;
      for (size_t i = 0; i < some.size(); ++i) {
        const auto pair = pair_of(*some[i], logp[2 * i], logp[2 * i + 1]);
        const auto l = preference_loss(settings_.loss, pair, points);
        sums.add(l, pair, share);
        out.dlogp.insert(out.dlogp.end(), some[i]->chosen.ids.size(), static_cast<float>(share * l.dchosen));
        out.dlogp.insert(out.dlogp.end(), some[i]->rejected.ids.size(), static_cast<float>(share * l.drejected));
      }
      return out;
    });
  }
  const double lr = settings_.training.lr_at(step, steps_);
  const auto result = learner_.step(lr);
  DpoStep out{.metrics = {}, .seconds = clock.seconds()};
  out.metrics = {
      {"loss", sums.loss},
      {"rewards/chosen", sums.chosen},
      {"rewards/rejected", sums.rejected},
      {"rewards/margins", sums.chosen - sums.rejected},
      {"rewards/accuracies", sums.right},
      {"logps/chosen", sums.logp_chosen},
      {"logps/rejected", sums.logp_rejected},
      {"grad_norm", result.grad_norm},
      {"learning_rate", lr},
      {"num_tokens", sums.tokens},
      {"epoch", static_cast<double>((step + 1) * settings_.pairs_per_step) / static_cast<double>(pairs_.size())},
      {"timing_s/step", out.seconds},
      {"perf/max_memory_gb", static_cast<double>(peak_memory_bytes()) / 1e9}};
  return out;
}

}  // namespace posttrain::sft
