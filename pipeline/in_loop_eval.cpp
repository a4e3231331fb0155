#include "pipeline/in_loop_eval.h"

namespace posttrain::pipeline {

void InLoopEval::visit(Visitor& v) {
  v("every_steps", every_steps, {.doc = "Evaluate this often; 0 = never", .min = 0, .unit = "steps"});
  v("keep", keep,
    {.doc = "Which weights the stage hands on: the last, or those with the best pass@1 of its evaluations",
     .choices = {"last", "best"}});
  v("stop_on_collapse", stop_on_collapse,
    {.doc = "End the stage when accuracy, reward or an evaluation falls to less than half of its best"});
  v.flat(eval);
}

void InLoopEval::add_prompts(std::vector<PromptUse>& uses) const {
  if (every_steps > 0) uses.push_back(eval_prompts(eval, text::Split::valid, "eval.sampling.max_new_tokens"));
}

}  // namespace posttrain::pipeline
