#include "tasks/file_task.h"

#include <utility>

#include "base/error.h"

namespace posttrain::tasks {

FileTask::FileTask(std::string type, std::string what, std::vector<text::Problem> train,
                   std::vector<text::Problem> test)
    : type_(std::move(type)), what_(std::move(what)), train_(std::move(train)), test_(std::move(test)) {
  if (train_.empty() && test_.empty()) throw Error("task", "test", what_, "none");
}

text::Problem FileTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  const std::vector<text::Problem>& all = problems(split);
  const bool test = split == text::Split::test;
  if (all.empty()) throw Error("task", test ? "test" : "train", what_, "none");
  PassOrder& order = test ? test_order_ : train_order_;
  return all[order.at(index, all.size(), Rng({seed, hash_name(type_ + "/order")}))];
}

text::Document FileTask::document(text::Source, uint64_t, uint64_t) const {
  throw Error("task", "type", "a task with a corpus of its own", type_);
}

}  // namespace posttrain::tasks
