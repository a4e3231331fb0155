#include "pipeline/stage.h"

namespace posttrain::pipeline {

StageEnd run_eval_stage(StageRun& run) {
  Session& session = run.session;
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  run_evaluation(run, *model, run.spec.settings.get<EvalStage>()->eval, 0);
  return StageEnd::done;
}

}  // namespace posttrain::pipeline
