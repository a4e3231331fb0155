// What recipes say of each stage type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/evaluation.h"
#include "rl/grpo.h"
#include "sft/sft.h"

namespace posttrain::pipeline {

// Evaluations within a stage; the first is of the weights that it found.
struct InLoopEval {
  int64_t every_steps = 0;
  std::string keep = "last";  // last | best
  bool stop_on_collapse = false;
  EvalSettings eval;

  void visit(Visitor& v);
};

// One part of what a stage learns from.
struct DataPart {
  std::string source = "corpus";  // corpus | traces | general (the task's), or stage: what an earlier stage wrote
  std::string stage;
  int64_t documents = 0;
  double share = 0;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// Pre-training and supervised fine-tuning.
struct SftStage {
  std::vector<DataPart> data;
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

// Rejection sampling: answers of a model that are right (and well-formed) become training data for later stages.
struct RejectStage {
  int64_t prompts = 1000, samples_per_prompt = 4, keep_per_prompt = 2;
  double min_reward = 0;
  int64_t max_tokens = 0;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;

  void visit(Visitor& v);
};

struct EvalStage {
  EvalSettings eval;

  void visit(Visitor& v) { eval.visit(v); }
};

// RMaxTS over proofs against plain sampling with as many attempts.
struct SearchStage {
  int64_t problems = 256, attempts = 16, width = 4;
  double discount = 0.99;
  rollout::SamplingSettings sampling;

  void visit(Visitor& v);
};

}  // namespace posttrain::pipeline
