// What stages count with when they say what they will do.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/evaluation.h"
#include "pipeline/in_loop_eval.h"
#include "pipeline/recipe/plan.h"
#include "pipeline/stages/data_part.h"
#include "text/task.h"

namespace posttrain::pipeline {

// Tokens of one answer, and of all answers of one evaluation or of those within a stage of `steps` steps.
double answer_tokens(const rollout::SamplingSettings& sampling);
double eval_tokens(const EvalSettings& eval);
double eval_tokens(const InLoopEval& loop, int64_t steps);

// What a stage keeps for later ones; `tokens` of one answer.
struct KeptData {
  double answers = 0, pairs = 0, tokens = 0;
};

// One object a recipe, so that later stages know what earlier ones may keep. The recipe must outlive it.
class Planner {
 public:
  explicit Planner(const Recipe& recipe);
  const Recipe& recipe() const { return recipe_; }

  // Documents and tokens of all parts; what stands in files is not looked at.
  std::pair<double, double> size_of(const std::vector<DataPart>& data) const;

  void keep(const std::string& stage, const KeptData& kept) { kept_[stage] = kept; }
  // Nothing of a stage that keeps nothing.
  KeptData kept(const std::string& stage) const;

 private:
  double document_tokens(const std::string& source) const;

  const Recipe& recipe_;
  std::unique_ptr<text::Task> task_;
  double bytes_per_token_;
  std::map<std::string, KeptData> kept_;
};

}  // namespace posttrain::pipeline
