#include "tasks/lean_data_task.h"

#include <vector>

#include "base/error.h"

namespace posttrain::tasks {
namespace {

std::vector<text::Problem> read(const std::string& file, const std::string& split, const std::string& instruction) {
  std::vector<text::Problem> problems;
  if (file.empty()) return problems;
  read_json_lines(file, [&](Json&& row, const std::string& where) {
    const auto text = [&](const char* key) { return row.value(key, std::string()); };
    if (!row.is_object() || text("formal_statement").empty())
      throw Error(where, "formal_statement", "a Lean statement", "none");
    if (!split.empty() && text("split") != split) return;
    problems.push_back({.id = text("name").empty() ? where : text("name"),
                        .prompt = instruction + text("header") + text("informal_prefix") + text("formal_statement"),
                        .answer = "",
                        .extra = std::move(row)});
  });
  if (problems.empty()) throw Error(file, split, "rows of this split", "none");
  return problems;
}

}  // namespace

void LeanDataSettings::visit(Visitor& v) {
  v("train", train, {.doc = "JSONL of Lean statements, for training", .path = true});
  v("test", test, {.doc = "JSONL of Lean statements, for evaluation", .path = true});
  v("train_split", train_split, {.doc = "Take only rows with this \"split\" for training; \"\" = all"});
  v("test_split", test_split, {.doc = "The same for evaluation"});
  v("instruction", instruction, {.doc = "What stands before header and statement"});
}

LeanDataTask::LeanDataTask(const LeanDataSettings& settings)
    : FileTask("lean", "a file of statements", read(settings.train, settings.train_split, settings.instruction),
               read(settings.test, settings.test_split, settings.instruction)) {}

}  // namespace posttrain::tasks
