// Lean statements from a file: miniF2F, ProofNet and rows of one's own.
#pragma once

#include <string>

#include "base/params.h"
#include "tasks/file_task.h"

namespace posttrain::tasks {

struct LeanDataSettings {
  DataFiles files;  // JSONL with formal_statement, and header, informal_prefix, name where they are
  std::string train_split, valid_split, test_split;  // only rows with this "split"; "" = all
  std::string instruction = "Complete the following Lean 4 code:\n\n```lean4\n";
  void visit(Visitor& v);
};

// A prompt is the instruction, the header, the statement in words and the statement up to its ":= by"; the reward lean
// finds the statement in the row.
class LeanDataTask : public FileTask {
 public:
  // Throws Error for a file that can't be read or a row without a statement.
  explicit LeanDataTask(const LeanDataSettings& settings, HoldOut hold_out = HoldOut::nothing);
};

}  // namespace posttrain::tasks
