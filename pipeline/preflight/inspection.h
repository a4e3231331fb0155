// What a stage tells its findings with, and the checks that several types of stage share.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "model/schedule.h"
#include "pipeline/in_loop_eval.h"
#include "pipeline/preflight/finding.h"
#include "pipeline/preflight/survey.h"

namespace posttrain::pipeline {

class Inspection {
 public:
  // `survey` and `findings` must outlive it.
  Inspection(Survey& survey, std::vector<Finding>& findings) : survey_(survey), findings_(findings) {}

  // What follows is of this stage.
  void enter(const StageSpec& stage, size_t index);

  // Of the stage's field, "" the stage itself.
  void error(const std::string& field, const std::string& message);
  void warning(const std::string& field, const std::string& message);

  const Recipe& recipe() const { return survey_.recipe(); }

  // The stage learns from these, in rows of `row_tokens`; 0: in no rows.
  void learns(const std::string& field, const std::vector<DataPart>& data, int64_t row_tokens);
  void training(const model::TrainingSettings& training, int64_t steps);
  // Answers to a split's prompts: they must fit the context, and stop strings must be writable.
  void sampling(const std::string& field, const rollout::SamplingSettings& sampling, text::Split split);
  // `field` asks for so many different problems at a time.
  void problems(const std::string& field, int64_t wanted, text::Split split);
  // A model answers and rewards say which answers are right.
  void judged();
  void evaluation(const std::string& field, const EvalSettings& eval, text::Split split = text::Split::test);
  void evaluation(const InLoopEval& loop);

  // Whether a stage lets a model answer this split's problems.
  bool asks(text::Split split) const { return asked_.contains(split); }
  // The texts that stages so far learn from, as far as they were looked at.
  const std::string& learnt() const { return learnt_; }

 private:
  const PromptSurvey* prompts(text::Split split);
  void add(Severity severity, const std::string& field, const std::string& message);

  Survey& survey_;
  std::vector<Finding>& findings_;
  const StageSpec* stage_ = nullptr;
  std::set<text::Split> asked_;
  std::string prefix_, learnt_;
  int64_t positions_ = 0;
};

}  // namespace posttrain::pipeline
