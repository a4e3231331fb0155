// What recipes say of each stage type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/params.h"
#include "distill/distill.h"
#include "pipeline/evaluation.h"
#include "pipeline/stages/judge.h"
#include "rl/grpo.h"
#include "sft/dpo.h"
#include "sft/reward_model.h"
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
  // corpus | traces | general (the task's); stage: what an earlier stage wrote; file: JSON lines
  std::string source = "corpus";
  std::string stage, path;
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

// A reward that the model of an earlier stage gives: a reward_model stage's score, else that model's word as a judge.
struct ModelReward {
  std::string stage;
  double weight = 1;
  JudgeSettings judge;

  void visit(Visitor& v);
};

struct GrpoStage {
  int64_t save_every_steps = 20;
  rl::GrpoSettings grpo;
  std::vector<ModelReward> model_rewards;
  InLoopEval eval;

  void visit(Visitor& v);
  void check(const Complain& complain) const { grpo.check(complain); }
};

// Rejection sampling: answers of a model that are right (and well-formed) become training data for later stages.
struct RejectStage {
  int64_t prompts = 1000, samples_per_prompt = 4, keep_per_prompt = 2;
  double min_reward = 0;
  int64_t max_tokens = 0;
  int64_t pairs_per_prompt = 0;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;

  void visit(Visitor& v);
};

// Pairs of answers, better and worse: what a `reject` stage wrote, or JSON lines.
struct PairSource {
  std::string stage, path;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

struct DpoStage {
  PairSource pairs;
  int64_t save_every_steps = 0;
  sft::DpoSettings dpo;
  InLoopEval eval;

  void visit(Visitor& v);
};

struct DistillStage {
  std::string teacher, teacher_path;
  std::vector<DataPart> data;
  int64_t save_every_steps = 0;
  distill::DistillSettings distill;
  InLoopEval eval;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

struct RewardModelStage {
  PairSource pairs;
  int64_t save_every_steps = 0;
  sft::RewardModelSettings reward_model;

  void visit(Visitor& v);
};

// Pairs of answers ordered by a judge.
struct JudgeStage {
  std::string candidates;
  int64_t prompts = 1000, pairs_per_prompt = 1;
  JudgeSettings judge;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// A model in a form that other programs read.
struct ExportStage {
  std::string format = "safetensors";  // safetensors | gguf
  std::string dtype;
  std::string path;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
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

// Other stages that a stage names beside `from`.
struct StageReference {
  std::string field, stage;
  std::string need;  // what that stage must leave: "model", "data" or "pairs"
};
std::vector<StageReference> references(const Tagged& settings);

}  // namespace posttrain::pipeline
