// Training on pairs of answers to one prompt, the better one first.
#pragma once

#include <cstdint>
#include <vector>

#include "model/learner.h"
#include "model/schedule.h"
#include "rollout/train_batch.h"
#include "sft/preference.h"
#include "store/records.h"

namespace posttrain::sft {

struct DpoSettings {
  int64_t steps = 0;
  double epochs = 1;
  int64_t pairs_per_step = 64;
  int64_t micro_batch_tokens = 8192;
  PreferenceSettings loss;
  model::TrainingSettings training;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// Of each answer only the ids count. ref_*: see score_reference().
struct AnswerPair {
  std::vector<int32_t> prompt;
  rollout::Completion chosen, rejected;
  double ref_chosen = 0, ref_rejected = 0;
};

// Fills every pair's reference log-probabilities, once for the whole stage.
void score_reference(model::Transformer& reference, std::vector<AnswerPair>& pairs, int64_t micro_batch_tokens);

struct DpoStep {
  store::Metrics metrics;
  double seconds = 0;
};

// One stage's loop over fixed pairs, shuffled anew in each pass by (seed, stage, pass) or as they stand. Learner and
// pairs must outlive it.
class DpoTrainer {
 public:
  DpoTrainer(model::Learner& learner, const std::vector<AnswerPair>& pairs, const DpoSettings& settings, uint64_t seed,
             uint64_t stage, bool in_file_order = false);

  // settings.steps, or what `epochs` passes take.
  int64_t steps() const { return steps_; }
  // Throws Failure when a loss or a gradient is not finite.
  DpoStep step(int64_t step);

 private:
  std::vector<const AnswerPair*> drawn(int64_t step) const;
  ReferencePoints reference_points(std::span<const AnswerPair* const> pairs);

  model::Learner& learner_;
  const std::vector<AnswerPair>& pairs_;
  DpoSettings settings_;
  uint64_t seed_, stage_;
  bool in_file_order_;
  int64_t steps_ = 0;
};

}  // namespace posttrain::sft
