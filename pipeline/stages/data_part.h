// One part of what a stage learns from: texts of the task, what an earlier stage wrote, or a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/stage_type.h"

namespace posttrain::pipeline {

struct DataPart {
  // corpus | traces | general (the task's); stage: what an earlier stage wrote; file: JSON lines
  std::string source = "corpus";
  std::string stage, path;
  int64_t documents = 0;
  double share = 0;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// The stages that parts name, in the field "data".
std::vector<StageReference> data_references(const std::vector<DataPart>& data);

}  // namespace posttrain::pipeline
