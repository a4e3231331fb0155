// Programming problems from a file: HumanEval, MBPP, CodeContests and rows of one's own.
#pragma once

#include <string>
#include <vector>

#include "base/params.h"
#include "text/task.h"

namespace posttrain::pipeline {

struct CodeDataSettings {
  std::string train, test;  // JSONL; the formats are those of rewards/code_problem.h
  void visit(Visitor& v);
};

class CodeDataTask : public text::Task {
 public:
  // Throws Error for a file that can't be read or a row that is no programming problem.
  explicit CodeDataTask(const CodeDataSettings& settings);

  int64_t size(text::Split split) const override;
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 private:
  const std::vector<text::Problem>& rows(text::Split split) const {
    return split == text::Split::test ? test_ : train_;
  }

  std::vector<text::Problem> train_, test_;
};

}  // namespace posttrain::pipeline
