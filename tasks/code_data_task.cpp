#include "tasks/code_data_task.h"

#include "rewards/code_problem.h"

namespace posttrain::tasks {

void CodeDataSettings::visit(Visitor& v) {
  files.visit(v);
}

// The gold answer is the row's own right program, where it has one.
CodeDataTask::CodeDataTask(const CodeDataSettings& settings, HoldOut hold_out)
    : FileTask("code", "a file of problems", settings.files, hold_out, 0, [](text::Split) -> MakeProblem {
        return [](Json&& row, const std::string& where) {
          rewards::CodeProblem read = rewards::code_problem(row, where);
          return text::Problem{
              .id = read.id, .prompt = read.prompt, .answer = read.reference, .extra = std::move(row), .where = where};
        };
      }) {}

}  // namespace posttrain::tasks
