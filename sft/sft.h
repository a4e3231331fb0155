// Supervised fine-tuning (and pre-training): the weighted mean of -log p over the tokens that count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/shuffle.h"
#include "model/learner.h"
#include "model/schedule.h"
#include "sft/pack.h"
#include "store/records.h"

namespace posttrain::sft {

struct SftSettings {
  int64_t steps = 0;
  double epochs = 1;
  int64_t rows_per_step = 32, row_tokens = 128;
  int64_t micro_batch_tokens = 8192;
  double neftune_alpha = 0;
  model::TrainingSettings training;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

struct SftStep {
  store::Metrics metrics;
  double seconds = 0;
};

// One stage's loop over fixed examples. Rows are shuffled anew in each pass by (seed, stage, pass), or come in the
// order of the examples, so step i is a function of i alone. Examples and learner must outlive it.
class SftTrainer {
 public:
  SftTrainer(model::Learner& learner, const std::vector<Example>& examples, const SftSettings& settings, uint64_t seed,
             uint64_t stage, bool in_file_order = false);

  // settings.steps, or what `epochs` passes take.
  int64_t steps() const { return steps_; }
  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }

  // Throws Failure when a loss or a gradient is not finite.
  SftStep step(int64_t step);

 private:
  const Row& row_at(int64_t position);

  model::Learner& learner_;
  const std::vector<Example>& examples_;
  SftSettings settings_;
  uint64_t seed_, stage_;
  bool in_file_order_;
  std::vector<Row> rows_;
  int64_t steps_ = 0;
  PassOrder order_;
};

}  // namespace posttrain::sft
