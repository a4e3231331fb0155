// Watches a training stage: says when it goes wrong, remembers its best weights, knows when it is past saving.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/alerts.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {

// One per run of a stage; not thread-safe. What it knows follows from the store alone, so a resumed stage is watched as
// if it had never been interrupted.
class Watch {
 public:
  // Looks back over the steps and evaluations that the store holds up to `step`.
  Watch(StageRun& run, const TrainingStage& stage, int64_t step);

  // Adds the step's alerts to its record, before it is written.
  void step(store::StepRecord& record);
  // The same for an evaluation; the weights are saved when it is the best so far and the stage keeps its best.
  void eval(store::EvalRecord& record);
  // The stage collapsed and is told to stop then.
  bool gave_up() const { return stage_.eval.stop_on_collapse && alerts_.collapsed(); }
  // The step of the best evaluation, when the stage is to hand over those weights.
  std::optional<int64_t> best_step() const;

 private:
  bool is_best(const store::EvalRecord& record);

  StageRun& run_;
  const TrainingStage& stage_;
  Alerts alerts_;
  std::optional<int64_t> best_step_;
  double best_ = 0;
};

}  // namespace posttrain::pipeline
