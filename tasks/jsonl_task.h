// Problems and conversations from JSONL files, in the shapes that public data sets have (tasks/dataset.h).
#pragma once

#include "base/params.h"
#include "tasks/dataset.h"
#include "tasks/file_task.h"

namespace posttrain::tasks {

struct JsonlSettings {
  DataFiles files;
  int64_t limit = 0;
  DataFields fields = {};

  void visit(Visitor& v);
};

// A problem is what a row asks: a conversation up to its last answer, or the plain prompt. A document is the whole row;
// every source gives the training file's.
class JsonlTask : public FileTask {
 public:
  // Throws Error with file and line for one that can't be read.
  explicit JsonlTask(const JsonlSettings& settings, HoldOut hold_out = HoldOut::nothing);

  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 private:
  DataFields fields_;
};

}  // namespace posttrain::tasks
