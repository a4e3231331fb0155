#include "pipeline/stages/data_part.h"

namespace posttrain::pipeline {

void DataPart::visit(Visitor& v) {
  v("source", source,
    {.doc = "The task's corpus, worked traces or general texts, what an earlier stage wrote, or a file",
     .choices = {"corpus", "traces", "general", "stage", "file"}});
  v("stage", stage, {.doc = "With source \"stage\": a `reject` stage"});
  v("path", path,
    {.doc = "With source \"file\": JSON lines with prompt and completion, messages, or prompt_ids and completion_ids",
     .path = true});
  v("documents", documents, {.doc = "How many are taken; 0 = all that a stage or file has", .min = 0});
  v("share", share, {.doc = "Or how many for each document of the parts before, e.g. 0.25", .min = 0, .max = 100});
}

void DataPart::check(const Complain& complain) const {
  if ((source == "stage") == stage.empty())
    complain("stage", "expected a stage's name with source \"stage\", and only there");
  if ((source == "file") == path.empty()) complain("path", "expected a file with source \"file\", and only there");
  const bool whole = source == "stage" || source == "file";
  if (!whole && (documents > 0) == (share > 0)) complain("documents", "expected either documents or share");
}

std::vector<StageReference> data_references(const std::vector<DataPart>& data) {
  std::vector<StageReference> found;
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i].source == "stage") found.push_back({"data[" + std::to_string(i) + "].stage", data[i].stage, "data"});
  }
  return found;
}

}  // namespace posttrain::pipeline
