#include "tasks/code_data_task.h"

#include <vector>

#include "base/error.h"
#include "rewards/code_problem.h"

namespace posttrain::tasks {
namespace {

std::vector<text::Problem> read(const std::string& file) {
  std::vector<text::Problem> problems;
  if (file.empty()) return problems;
  read_json_lines(file, [&](Json&& json, const std::string& where) {
    const rewards::CodeProblem problem = rewards::code_problem(json, where);
    problems.push_back({.id = problem.id, .prompt = problem.prompt, .answer = "", .extra = std::move(json)});
  });
  if (problems.empty()) throw Error(file, "no problem in it");
  return problems;
}

}  // namespace

void CodeDataSettings::visit(Visitor& v) {
  v("train", train, {.doc = "JSONL of programming problems with tests, for training", .path = true});
  v("test", test, {.doc = "JSONL of programming problems with tests, for evaluation", .path = true});
}

CodeDataTask::CodeDataTask(const CodeDataSettings& settings)
    : FileTask("code", "a file of problems", read(settings.train), read(settings.test)) {}

}  // namespace posttrain::tasks
