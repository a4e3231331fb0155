#include "sft/sft.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

namespace posttrain::sft {

void SftSettings::visit(Visitor& v) {
  v("steps", steps, {.doc = "Optimizer steps; 0 = what `epochs` takes", .min = 0, .unit = "steps"});
  v("epochs", epochs, {.doc = "Passes over the examples when steps is 0", .min = 0, .max = 10000});
  v("rows_per_step", rows_per_step, {.doc = "Packed rows in one optimizer step", .min = 1});
  v("row_tokens", row_tokens,
    {.doc = "Length of a packed row, and the most of one example", .min = 2, .unit = "tokens"});
  v("micro_batch_tokens", micro_batch_tokens,
    {.doc = "Most rows in one forward and backward", .min = 1, .unit = "tokens"});
  v("neftune_alpha", neftune_alpha,
    {.doc = "Uniform noise on the embeddings, of up to alpha / sqrt(length x hidden); 5 is usual, 0 = none", .min = 0});
  v("training", training, {.doc = "Optimizer and learning rate"});
}

void SftSettings::check(const Complain& complain) const {
  training.check_length(steps, epochs, complain);
}

SftTrainer::SftTrainer(model::Learner& learner, const std::vector<Example>& examples, const SftSettings& settings,
                       uint64_t seed, uint64_t stage, bool in_file_order)
    : learner_(learner),
      examples_(examples),
      settings_(settings),
      seed_(seed),
      stage_(stage),
      in_file_order_(in_file_order),
      rows_(pack_rows(examples, settings.row_tokens)) {
  if (rows_.empty()) throw Error("sft", "examples", "at least one example to train on", "none");
  const double rows = settings.epochs * static_cast<double>(rows_.size());
  steps_ = settings.steps > 0 ? settings.steps
                              : std::max<int64_t>(1, std::llround(rows / static_cast<double>(settings.rows_per_step)));
}

const Row& SftTrainer::row_at(int64_t position) {
  if (in_file_order_) return rows_[static_cast<size_t>(position) % rows_.size()];
  return rows_[order_.at(position, rows_.size(), Rng({seed_, stage_, hash_name("sft/order")}))];
}

SftStep SftTrainer::step(int64_t step) {
  const Clock clock;
  std::vector<Row> chosen;
  for (int64_t i = 0; i < settings_.rows_per_step; ++i) chosen.push_back(row_at(step * settings_.rows_per_step + i));
  double total_weight = 0;
  for (const Row& row : chosen) {
    for (const size_t i : row) {
      const auto& weight = examples_[i].weight;
      const auto length = std::min(settings_.row_tokens, std::ssize(weight));
      total_weight += std::accumulate(weight.begin() + std::min<int64_t>(1, length), weight.begin() + length, 0.0);
    }
  }

  double loss = 0, entropy = 0, tokens = 0, targets = 0;
  const int64_t rows_at_once = std::max<int64_t>(1, settings_.micro_batch_tokens / settings_.row_tokens);
  for (int64_t first = 0; first < std::ssize(chosen); first += rows_at_once) {
    const int64_t count = std::min(rows_at_once, std::ssize(chosen) - first);
    std::vector<float> weights;
    auto batch = batch_rows(examples_, std::span(chosen).subspan(first, count), settings_.row_tokens, weights);
    batch.noise = static_cast<float>(settings_.neftune_alpha);
    batch.noise_key = Rng({seed_, stage_, static_cast<uint64_t>(step)}).at(0);
    batch.noise_row = static_cast<int64_t>(tokens);
    tokens += static_cast<double>(batch.rows());
    if (weights.empty()) continue;
    learner_.accumulate(batch, [&](const model::Scores& scores) {
      model::Coefficients coefficients;
      for (size_t i = 0; i < weights.size(); ++i) {
        const double share = weights[i] / total_weight;
        loss -= share * scores.logp[i];
        entropy += scores.entropy[i];
        coefficients.dlogp.push_back(static_cast<float>(-share));
      }
      targets += static_cast<double>(weights.size());
      return coefficients;
    });
  }
  const double lr = settings_.training.lr_at(step, steps_);
  const auto result = learner_.step(lr);
  SftStep out;
  out.seconds = clock.seconds();
  out.metrics = {
      {"loss", loss},
      {"grad_norm", result.grad_norm},
      {"learning_rate", lr},
      {"entropy", targets > 0 ? entropy / targets : 0},
      {"num_tokens", tokens},
      {"epoch", static_cast<double>((step + 1) * settings_.rows_per_step) / static_cast<double>(rows_.size())},
      {"step_time", out.seconds},
      {"timing_s/step", out.seconds},
      {"timing_s/update_actor", out.seconds},
      {"perf/total_num_tokens", tokens},
      {"perf/time_per_step", out.seconds},
      {"perf/throughput", tokens / std::max(out.seconds, 1e-9)},
      {"perf/update_tokens_per_second", tokens / std::max(out.seconds, 1e-9)},
      {"perf/cpu_memory_used_gb", static_cast<double>(peak_memory_bytes()) / 1e9}};
  return out;
}

}  // namespace posttrain::sft
