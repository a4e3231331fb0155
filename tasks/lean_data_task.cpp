#include "tasks/lean_data_task.h"

#include "base/error.h"
#include "tasks/dataset.h"
#include "tasks/gold.h"

namespace posttrain::tasks {
namespace {

std::optional<text::Problem> read_statement(Json&& row, const std::string& where, const std::string& split,
                                            const std::string& instruction) {
  const auto text = [&](const char* key) {
    const Json* value = field_of(row, key);
    return value != nullptr && value->is_string() ? value->get<std::string>() : "";
  };
  if (text("formal_statement").empty()) throw Error(where, "formal_statement", "a Lean statement", "none");
  if (!split.empty() && text("split") != split) return std::nullopt;
  text::Problem problem{.id = text("name").empty() ? where : text("name"),
                        .prompt = instruction + text("header") + text("informal_prefix") + text("formal_statement"),
                        .answer = gold_of(row, {}),
                        .extra = {},
                        .statement = statement_of(row),
                        .where = where};
  problem.extra = std::move(row);
  return problem;
}

}  // namespace

void LeanDataSettings::visit(Visitor& v) {
  files.visit(v);
  v("train_split", train_split, {.doc = "Take only rows with this \"split\" for training; \"\" = all"});
  v("valid_split", valid_split, {.doc = "The same of the file `valid`"});
  v("test_split", test_split, {.doc = "The same for evaluation"});
  v("instruction", instruction, {.doc = "What stands before header and statement"});
}

LeanDataTask::LeanDataTask(const LeanDataSettings& settings, HoldOut hold_out)
    : FileTask("lean", "a file of statements", settings.files, hold_out, 0,
               [settings](text::Split split) -> MakeProblem {
                 const std::string& wanted = split == text::Split::train   ? settings.train_split
                                             : split == text::Split::valid ? settings.valid_split
                                                                           : settings.test_split;
                 return [wanted, instruction = settings.instruction](Json&& row, const std::string& where) {
                   return read_statement(std::move(row), where, wanted, instruction);
                 };
               }) {}

}  // namespace posttrain::tasks
