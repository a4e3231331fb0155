// How a stage runs: what the runner gives to it, and the loop that training stages share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "pipeline/in_loop_eval.h"
#include "pipeline/session.h"
#include "pipeline/stage_type.h"

namespace posttrain::pipeline {

// One stage of the recipe on its way.
struct StageRun {
  Session& session;
  const StageSpec& spec;
  int index;
  bool resumed;  // the run was interrupted within this stage

  // Names the stage's random draws; its place in the recipe does not matter.
  uint64_t key() const;
  // Shows the stage as begun, with `done` of its steps behind it; 0 steps: it has none.
  void announce(int64_t steps = 0, int64_t done = 0) const;
};

// What a training stage plugs into the loop. Steps count from 0 here and from 1 in the store.
struct TrainingStage {
  model::Transformer& model;
  model::Learner& learner;
  int64_t steps = 0;
  int64_t save_every_steps = 0;
  std::function<store::StepRecord(int64_t step)> step;  // trains once; stage and step number are filled in by the loop
  // Whether the cursor says everything before `step`; empty = always. Elsewhere a stop falls back to the last
  // checkpoint.
  std::function<bool(int64_t step)> resumable_at;
  // What a checkpoint keeps beside weights and optimizer.
  std::function<Json()> cursor = [] { return Json::object(); };
  std::function<void(const Json&, int64_t step)> restore = [](const Json&, int64_t) {};
  std::function<Json()> failed_batch;  // for replay, when a step throws Failure; may be empty
  InLoopEval eval;
  store::Metrics data;  // what was found out about the stage's data; kept with its first step
};

// The step of a stage that does nothing but train.
template <class Trainer>
std::function<store::StepRecord(int64_t)> update_step(Session& session, Trainer& trainer) {
  return [&session, &trainer](int64_t step) {
    session.progress().phase("update", 0, 0);
    auto result = trainer.step(step);
    return store::StepRecord{.metrics = std::move(result.metrics),
                             .spans = {{.phase = "update", .t0 = 0, .t1 = result.seconds}}};
  };
}

// Steps, records, evaluates and checkpoints until the end or until a stop is asked for; resumes from the checkpoint
// when there is one. At the end the model is saved for later stages and the checkpoint removed.
StageEnd run_training(StageRun& run, TrainingStage& stage);

// Evaluates a model on a split of the task, shows, stores and returns it as of `step`; `watch` sees the record before
// it is kept.
store::EvalRecord run_evaluation(StageRun& run, model::Transformer& model, const EvalSettings& settings,
                                 text::Split split, int64_t step,
                                 const std::function<void(store::EvalRecord&)>& watch = {});

}  // namespace posttrain::pipeline
