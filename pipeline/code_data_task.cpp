#include "pipeline/code_data_task.h"

#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "rewards/code_problem.h"

namespace posttrain::pipeline {
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
  v("train", train, {.doc = "JSONL of programming problems with tests, for training"});
  v("test", test, {.doc = "JSONL of programming problems with tests, for evaluation"});
}

CodeDataTask::CodeDataTask(const CodeDataSettings& settings)
    : train_(read(settings.train)), test_(read(settings.test)) {
  if (train_.empty() && test_.empty()) throw Error("task", "test", "a file of problems", "none");
}

int64_t CodeDataTask::size(text::Split split) const {
  return static_cast<int64_t>(rows(split).size());
}

text::Problem CodeDataTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  const std::vector<text::Problem>& all = rows(split);
  if (all.empty()) throw Error("task", split == text::Split::test ? "test" : "train", "a file of problems", "none");
  const uint64_t pass = index / all.size();
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng({seed, hash_name("code/order"), pass});
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(i) - 1))]);
  }
  return all[order[index % all.size()]];
}

text::Document CodeDataTask::document(text::Source, uint64_t, uint64_t) const {
  throw Error("task", "type", "a task with a corpus of its own", "code");
}

}  // namespace posttrain::pipeline
