// What stages count with when they say what they will do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/temporary_folder.h"
#include "pipeline/evaluation.h"
#include "pipeline/in_loop_eval.h"
#include "pipeline/inputs.h"
#include "pipeline/preflight/survey.h"
#include "pipeline/recipe/plan.h"
#include "pipeline/stages/data_part.h"
#include "pipeline/stages/pairs.h"

namespace posttrain::pipeline {

// Tokens of one answer.
Range answer_tokens(const rollout::SamplingSettings& sampling);

// What a stage keeps for later ones; `tokens` of one answer.
struct KeptData {
  double answers = 0, pairs = 0, tokens = 0;
  bool exact = false;
};

// Examples packed into rows. `tokens` counts those that a step reads: all but the last of each example.
struct PackedData {
  double rows = 0, documents = 0, tokens = 0;
  bool exact = true;
};

// One object a recipe, so that later stages know what earlier ones may keep. The recipe must outlive it. Throws Error
// for what can't be opened.
class Planner {
 public:
  // Looks at no more than `counted_rows` rows of anything and takes the others to be like them.
  explicit Planner(const Recipe& recipe, int64_t counted_rows = 200'000);
  const Recipe& recipe() const { return recipe_; }

  // Of all parts together, in rows of at most `row_tokens`, as training packs them.
  PackedData packed(const std::vector<DataPart>& data, int64_t row_tokens, bool cut = false) const;
  // What pairs come to: of a file as it is, of a stage as many as it may keep.
  KeptData pairs_of(const PairSource& source) const;

  // `answers` answers to each of so many prompts of a split.
  void sample(StagePlan& out, text::Split split, double prompts, double answers,
              const rollout::SamplingSettings& sampling) const;
  void evaluate(StagePlan& out, const EvalSettings& eval, text::Split split = text::Split::test) const;
  // Those within a stage, whose steps are known.
  void evaluate(StagePlan& out, const InLoopEval& loop) const;

  // Of the prompts that training draws, in tokens.
  int64_t longest_prompt() const;
  // Tokens of the tokenizer.
  int64_t vocabulary() const;

  void keep(const std::string& stage, const KeptData& kept) { kept_[stage] = kept; }
  // Nothing of a stage that keeps nothing.
  KeptData kept(const std::string& stage) const;

 private:
  const Recipe& recipe_;
  TemporaryFolder scratch_;
  RunInputs inputs_;
  mutable Survey survey_;
  std::map<std::string, KeptData> kept_;
};

}  // namespace posttrain::pipeline
