// Programming problems from a file: HumanEval, MBPP, CodeContests and rows of one's own.
#pragma once

#include <string>

#include "base/params.h"
#include "tasks/file_task.h"

namespace posttrain::tasks {

struct CodeDataSettings {
  DataFiles files;  // the formats are those of rewards/code_problem.h
  void visit(Visitor& v);
};

class CodeDataTask : public FileTask {
 public:
  // Throws Error for a file that can't be read or a row that is no programming problem.
  explicit CodeDataTask(const CodeDataSettings& settings, HoldOut hold_out = HoldOut::nothing);
};

}  // namespace posttrain::tasks
