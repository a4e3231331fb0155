#include "sft/reward_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/error.h"
#include "base/shuffle.h"

namespace posttrain::sft {
namespace {

// How many neighbours with one prompt share its rows: in training a pair, so that a pair drawn twice in a row leaves
// the same gradients wherever a batch is cut.
enum class Sharing : uint8_t { all, pairs };

// Every answer whole behind its prompt, and two targets on its last row: the head's ids.
model::TrainBatch pack_endings(std::span<const rollout::TrainSample> answers, RewardHead head, Sharing sharing) {
  model::TrainBatch batch;
  const auto append = [&](std::span<const int32_t> ids, int32_t first_position) {
    const auto begin = static_cast<int32_t>(batch.rows());
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    for (size_t t = 0; t < ids.size(); ++t) batch.positions.push_back(first_position + static_cast<int32_t>(t));
    return begin;
  };
  const std::vector<int32_t>* prompt = nullptr;
  int32_t prompt_begin = 0, prompt_length = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto& answer = answers[i];
    if (answer.prompt != prompt || (sharing == Sharing::pairs && i % 2 == 0)) {
      prompt = answer.prompt;
      prompt_length = static_cast<int32_t>(prompt->size());
      prompt_begin = append(*prompt, 0);
      batch.segments.push_back({.begin = prompt_begin, .length = prompt_length});
    }
    const auto& ids = answer.completion->ids;
    const auto length = static_cast<int32_t>(ids.size());
    int32_t last = prompt_begin + prompt_length - 1;
    if (length > 0) {
      const int32_t begin = append(ids, prompt_length);
      batch.segments.push_back(
          {.begin = begin, .length = length, .prefix_begin = prompt_begin, .prefix_length = prompt_length});
      last = begin + length - 1;
    }
    batch.target_rows.insert(batch.target_rows.end(), {last, last});
    batch.target_ids.insert(batch.target_ids.end(), {head.good, head.bad});
  }
  return batch;
}

// The normaliser of the softmax cancels.
double score_at(const model::Scores& scores, size_t answer) {
  return double{scores.logp[2 * answer]} - double{scores.logp[2 * answer + 1]};
}

std::vector<rollout::TrainSample> answers_of(std::span<const AnswerPair> pairs, std::span<const size_t> chosen) {
  std::vector<rollout::TrainSample> answers;
  for (const size_t i : chosen) {
    answers.push_back({&pairs[i].prompt, &pairs[i].chosen});
    answers.push_back({&pairs[i].prompt, &pairs[i].rejected});
  }
  return answers;
}

// Runs of answers within the limit, cut between pairs.
std::vector<std::pair<size_t, size_t>> runs_of_pairs(std::span<const rollout::TrainSample> answers, int64_t limit) {
  std::vector<std::pair<size_t, size_t>> runs;
  for (auto [first, last] : rollout::micro_batches(answers, limit)) {
    first = runs.empty() ? 0 : runs.back().second;
    last += last % 2;
    if (last > first) runs.emplace_back(first, last);
  }
  return runs;
}

}  // namespace

RewardHead reward_head(const model::Arch& arch) {
  PT_ASSERT(arch.vocab >= 2, arch.vocab);
  return {static_cast<int32_t>(arch.vocab - 1), static_cast<int32_t>(arch.vocab - 2)};
}

std::vector<double> reward_scores(model::Transformer& model, RewardHead head,
                                  std::span<const rollout::TrainSample> answers, int64_t micro_batch_tokens) {
  std::vector<double> scores;
  for (const auto& [first, last] : rollout::micro_batches(answers, micro_batch_tokens)) {
    const auto read = model.score(pack_endings(answers.subspan(first, last - first), head, Sharing::all));
    for (size_t i = 0; i < last - first; ++i) scores.push_back(score_at(read, i));
  }
  return scores;
}

void RewardModelSettings::visit(Visitor& v) {
  v("steps", steps, {.doc = "Optimizer steps; 0 = what `epochs` takes", .min = 0, .unit = "steps"});
  v("epochs", epochs, {.doc = "Passes over the pairs when steps is 0", .min = 0, .max = 10000});
  v("pairs_per_step", pairs_per_step, {.doc = "Pairs in one optimizer step", .min = 1});
  v("micro_batch_tokens", micro_batch_tokens,
    {.doc = "Most rows in one forward and backward", .min = 1, .unit = "tokens"});
  v("held_out", held_out, {.doc = "Share of the pairs that only measures", .min = 0, .max = 0.9});
  v("training", training, {.doc = "Optimizer and learning rate"});
}

void RewardModelSettings::check(const Complain& complain) const {
  training.check_length(steps, epochs, complain);
}

RewardModelTrainer::RewardModelTrainer(model::Learner& learner, RewardHead head, const std::vector<AnswerPair>& pairs,
                                       const RewardModelSettings& settings, uint64_t seed, uint64_t stage,
                                       bool in_file_order)
    : learner_(learner),
      head_(head),
      pairs_(pairs),
      settings_(settings),
      seed_(seed),
      stage_(stage),
      in_file_order_(in_file_order) {
  const auto count = static_cast<double>(pairs.size());
  trained_ = pairs.size() - static_cast<size_t>(settings.held_out * count);
  if (trained_ == 0) throw Error("reward_model", "pairs", "at least one pair to train on", "none");
  const double passes = settings.epochs * static_cast<double>(trained_);
  steps_ = settings.steps > 0
               ? settings.steps
               : std::max<int64_t>(1, std::llround(passes / static_cast<double>(settings.pairs_per_step)));
}

DpoStep RewardModelTrainer::step(int64_t step) {
  const Clock clock;
  const int64_t n = settings_.pairs_per_step;
  const auto answers = answers_of(pairs_, drawn_in_passes(trained_, step * n, n, seed_, stage_, in_file_order_));
  const double share = 1 / static_cast<double>(n);
  double loss = 0, right = 0, margin = 0, tokens = 0;
  for (const auto& [first, last] : runs_of_pairs(answers, settings_.micro_batch_tokens)) {
    const auto batch = pack_endings(std::span(answers).subspan(first, last - first), head_, Sharing::pairs);
    tokens += static_cast<double>(batch.rows());
    learner_.accumulate(batch, [&](const model::Scores& scores) {
      model::Coefficients out;
      for (size_t i = 0; i < scores.logp.size() / 2; i += 2) {
        const double gap = score_at(scores, i) - score_at(scores, i + 1);
        loss += share * (std::max(0.0, -gap) + std::log1p(std::exp(-std::fabs(gap))));  // -log sigmoid(gap)
        const auto slope = static_cast<float>(-share / (1 + std::exp(gap)));
        out.dlogp.insert(out.dlogp.end(), {slope, -slope, -slope, slope});
        right += share * (gap > 0);
        margin += share * gap;
      }
      return out;
    });
  }
  const double lr = settings_.training.lr_at(step, steps_);
  const auto result = learner_.step(lr);
  return {.metrics = {{"loss", loss},
                      {"rewards/accuracies", right},
                      {"rewards/margins", margin},
                      {"grad_norm", result.grad_norm},
                      {"learning_rate", lr},
                      {"num_tokens", tokens},
                      {"epoch", static_cast<double>((step + 1) * n) / static_cast<double>(trained_)},
                      {"timing_s/step", clock.seconds()}},
          .seconds = clock.seconds()};
}

double RewardModelTrainer::held_out_accuracy(model::Transformer& model) const {
  std::vector<size_t> rest;
  for (size_t i = trained_; i < pairs_.size(); ++i) rest.push_back(i);
  if (rest.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto scores = reward_scores(model, head_, answers_of(pairs_, rest), settings_.micro_batch_tokens);
  double right = 0;
  for (size_t i = 0; i < scores.size(); i += 2) {
    right += scores[i] > scores[i + 1] ? 1 : (scores[i] == scores[i + 1] ? 0.5 : 0);
  }
  return right / static_cast<double>(rest.size());
}

}  // namespace posttrain::sft
