#include "pipeline/stage.h"

namespace posttrain::pipeline {

StageEnd run_eval_stage(StageRun& run) {
  Session& session = run.session;
  session.progress().stage(run.spec.name, run.index, static_cast<int>(session.recipe().stages.size()), 0);
  const auto model = session.load_model(run.spec, nn::Use::inference);
  run_evaluation(run, *model, run.spec.settings.get<EvalStage>()->eval, 0);
  return StageEnd::done;
}

}  // namespace posttrain::pipeline
