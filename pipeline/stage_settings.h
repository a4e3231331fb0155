// What recipes say of each stage type.
#pragma once

#include <cstdint>

#include "pipeline/evaluation.h"
#include "rl/grpo.h"
#include "sft/sft.h"

namespace posttrain::pipeline {

// Evaluations within a stage; the first is of the weights that it found.
struct InLoopEval {
  int64_t every_steps = 0;
  EvalSettings eval;

  void visit(Visitor& v);
};

// Pre-training and supervised fine-tuning: documents of the task's own corpus.
struct SftStage {
  int64_t documents = 0;
  int64_t save_every_steps = 0;
  sft::SftSettings sft;
  InLoopEval eval;

  void visit(Visitor& v);
};

struct GrpoStage {
  int64_t save_every_steps = 20;
  rl::GrpoSettings grpo;
  InLoopEval eval;

  void visit(Visitor& v);
  void check(const Complain& complain) const { grpo.check(complain); }
};

struct EvalStage {
  EvalSettings eval;

  void visit(Visitor& v) { eval.visit(v); }
};

}  // namespace posttrain::pipeline
