// Evaluations within a training stage.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/evaluation.h"

namespace posttrain::pipeline {

// The first evaluation is of the weights that the stage found.
struct InLoopEval {
  int64_t every_steps = 0;
  std::string keep = "last";  // last | best
  bool stop_on_collapse = false;
  EvalSettings eval;

  void visit(Visitor& v);
};

}  // namespace posttrain::pipeline
