// Lean statements from a file: miniF2F, ProofNet and rows of one's own.
#pragma once

#include <string>
#include <vector>

#include "base/params.h"
#include "text/task.h"

namespace posttrain::pipeline {

struct LeanDataSettings {
  std::string train, test;              // JSONL with formal_statement, and header, informal_prefix, name where they are
  std::string train_split, test_split;  // only rows with this "split"; "" = all
  std::string instruction = "Complete the following Lean 4 code:\n\n```lean4\n";
  void visit(Visitor& v);
};

// A prompt is the instruction, the header, the statement in words and the statement up to its ":= by"; the reward lean
// finds the statement in the row.
class LeanDataTask : public text::Task {
 public:
  // Throws Error for a file that can't be read or a row without a statement.
  explicit LeanDataTask(const LeanDataSettings& settings);

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
