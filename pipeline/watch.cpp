#include "pipeline/watch.h"

#include <cmath>

#include "report/summary.h"

namespace posttrain::pipeline {

Watch::Watch(StageRun& run, const TrainingStage& stage, int64_t step) : run_(run), stage_(stage) {
  const store::Store& store = run.session.store();
  const auto evals = store.evals();
  for (int64_t i = 0; i <= step; ++i) {
    if (i > 0) alerts_.step(i, store.metrics(run.index, i));
    for (const auto& eval : evals) {
      if (eval.stage != run.index || eval.step != i) continue;
      alerts_.eval(i, eval.task, eval.n, eval.metrics);
      is_best(eval);
    }
  }
}

void Watch::step(store::StepRecord& record) {
  record.alerts = alerts_.step(record.step, record.metrics);
}

void Watch::eval(store::EvalRecord& record) {
  const auto alerts = alerts_.eval(record.step, record.task, record.n, record.metrics);
  record.alerts.insert(record.alerts.end(), alerts.begin(), alerts.end());
  if (is_best(record) && stage_.eval.keep == "best") {
    run_.session.save_model(stage_.model, run_.session.folder().best_of(run_.spec.name), stage_.learner.lora());
  }
}

std::optional<int64_t> Watch::best_step() const {
  return stage_.eval.keep == "best" ? best_step_ : std::nullopt;
}

// The first of equals stays the best; an evaluation without a figure is none.
bool Watch::is_best(const store::EvalRecord& record) {
  const double value = report::metric(record.metrics, "pass@1");
  if (std::isnan(value) || (best_step_ && !(value > best_))) return false;
  best_ = value;
  best_step_ = record.step;
  return true;
}

}  // namespace posttrain::pipeline
