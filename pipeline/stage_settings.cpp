#include "pipeline/stage_settings.h"

namespace posttrain::pipeline {

void InLoopEval::visit(Visitor& v) {
  v("every_steps", every_steps, {.doc = "Evaluate this often; 0 = never", .min = 0, .unit = "steps"});
  eval.visit(v);
}

void SftStage::visit(Visitor& v) {
  v("documents", documents, {.doc = "Documents taken from the task's corpus", .min = 1, .required = true});
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  sft.visit(v);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

void GrpoStage::visit(Visitor& v) {
  v("save_every_steps", save_every_steps,
    {.doc = "Checkpoint this often; 0 = at the end only", .min = 0, .unit = "steps"});
  grpo.visit(v);
  v("eval", eval, {.doc = "Evaluations within the stage"});
}

}  // namespace posttrain::pipeline
