// Problems and conversations from JSONL files, in the shapes that public data sets have: messages, prompt and
// completion, question and answer (GSM8K), problem and solution (MATH).
#pragma once

#include <string>
#include <vector>

#include "base/shuffle.h"
#include "tasks/dataset.h"
#include "text/task.h"

namespace posttrain::tasks {

struct JsonlSettings {
  std::string train, test;
  int64_t limit = 0;
  DataFields fields = {};

  void visit(Visitor& v);
};

// A problem is what a line asks: a conversation up to its last answer, or the plain prompt. A document is the whole
// line; every source gives the training file's lines.
class JsonlTask : public text::Task {
 public:
  // Throws Error with file and line for one that can't be read.
  explicit JsonlTask(const JsonlSettings& settings);

  int64_t size(text::Split split) const override { return static_cast<int64_t>(records(split).size()); }
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 private:
  const std::vector<Record>& records(text::Split split) const { return split == text::Split::test ? test_ : train_; }
  const Record& record(text::Split split, uint64_t seed, uint64_t index) const;

  JsonlSettings settings_;
  std::vector<Record> train_, test_;
  mutable PassOrder train_order_, test_order_;
};

}  // namespace posttrain::tasks
