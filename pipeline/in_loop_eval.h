// Evaluations within a training stage.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/asked_problems.h"
#include "pipeline/evaluation.h"

namespace posttrain::pipeline {

// The first evaluation is of the weights that the stage found.
struct InLoopEval {
  int64_t every_steps = 0;
  std::string keep = "last";  // last | best
  bool stop_on_collapse = false;
  EvalSettings eval;

  void visit(Visitor& v);
  // Adds the problems of the split `valid` that it asks; the test split stays unread within a stage.
  void add_prompts(std::vector<PromptUse>& uses) const;
};

}  // namespace posttrain::pipeline
