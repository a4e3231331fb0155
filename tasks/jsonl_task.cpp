#include "tasks/jsonl_task.h"

#include "base/error.h"

namespace posttrain::tasks {

void JsonlSettings::visit(Visitor& v) {
  files.visit(v);
  v("limit", limit, {.doc = "Take this many lines of each; 0 = all", .min = 0});
  v("fields", fields, {.doc = "Names of the fields, where they are others"});
}

JsonlTask::JsonlTask(const JsonlSettings& settings, HoldOut hold_out)
    : FileTask("jsonl", "a JSONL file", settings.files, hold_out, settings.limit,
               [fields = settings.fields](text::Split) -> MakeProblem {
                 return [fields](Json&& row, const std::string& where) {
                   return read_row(std::move(row), fields, where).problem;
                 };
               }),
      fields_(settings.fields) {}

text::Document JsonlTask::document(text::Source, uint64_t seed, uint64_t index) const {
  const Rows& all = rows(text::Split::train);
  const Line& line = all.lines[place_of(text::Split::train, seed, index)];
  const std::string where = all.file + ":" + std::to_string(line.number);
  DataRow row = read_row(parse_json_line(line.text, where), fields_, where);
  if (!row.answered) throw Error(where, "", "an answer to learn from", "none");
  return std::move(row.document);
}

}  // namespace posttrain::tasks
