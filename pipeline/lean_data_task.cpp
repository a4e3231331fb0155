#include "pipeline/lean_data_task.h"

#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace posttrain::pipeline {
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
    : train_(read(settings.train, settings.train_split, settings.instruction)),
      test_(read(settings.test, settings.test_split, settings.instruction)) {
  if (train_.empty() && test_.empty()) throw Error("task", "test", "a file of statements", "none");
}

int64_t LeanDataTask::size(text::Split split) const {
  return std::ssize(rows(split));
}

text::Problem LeanDataTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  const std::vector<text::Problem>& all = rows(split);
  if (all.empty()) throw Error("task", split == text::Split::test ? "test" : "train", "a file of statements", "none");
  const uint64_t pass = index / all.size();
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng({seed, hash_name("lean/order"), pass});
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(i) - 1))]);
  }
  return all[order[index % all.size()]];
}

text::Document LeanDataTask::document(text::Source, uint64_t, uint64_t) const {
  throw Error("task", "type", "a task with a corpus of its own", "lean");
}

}  // namespace posttrain::pipeline
