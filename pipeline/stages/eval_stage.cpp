#include "base/error.h"
#include "pipeline/evaluation.h"
#include "pipeline/preflight/inspection.h"
#include "pipeline/recipe/planner.h"
#include "pipeline/stage.h"

namespace posttrain::pipeline {
namespace {

struct EvalStage {
  EvalSettings eval;
  std::string split = "test";

  void visit(Visitor& v) {
    v.flat(eval);
    v("split", split,
      {.doc = "test: problems that no stage before has seen; valid: those by which weights are chosen",
       .choices = {"test", "valid"}});
  }
  text::Split of_task() const { return split == "test" ? text::Split::test : text::Split::valid; }
  std::vector<PromptUse> prompts() const { return {eval_prompts(eval, of_task())}; }
  void plan(Planner& planner, StagePlan& out) const { planner.evaluate(out, eval, of_task()); }
  void inspect(Inspection& to) const { to.evaluation("", eval, of_task()); }
};

StageEnd run_eval(const EvalStage& settings, StageRun& run) {
  Session& session = run.session;
  run.announce();
  const auto model = session.load_model(run.spec, nn::Use::inference);
  const auto record = run_evaluation(run, *model, settings.eval, settings.of_task(), 0);
  if (!has_figure(record.metrics)) throw Failure(run.spec.name, record.alerts.front().text);
  return StageEnd::done;
}

}  // namespace

extern const StageType eval_stage = {
    .settings = {"eval", "Measure a model on unseen problems", &make_params<EvalStage>},
    .leaves = Leaves::no_model,
    .run = of<&run_eval>,
    .plan = of<&EvalStage::plan>,
    .inspect = of<&EvalStage::inspect>,
    .prompts = of<&EvalStage::prompts>,
};

}  // namespace posttrain::pipeline
