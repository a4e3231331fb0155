// Problems that were read from files, in endless passes over them.
#pragma once

#include <string>
#include <vector>

#include "base/shuffle.h"
#include "text/task.h"

namespace posttrain::tasks {

class FileTask : public text::Task {
 public:
  int64_t size(text::Split split) const override { return std::ssize(problems(split)); }
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  // Throws Error: such a task has no corpus of its own.
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 protected:
  // `type` is the task's name in a recipe, `what` such as "a file of statements". Throws Error when both are empty.
  FileTask(std::string type, std::string what, std::vector<text::Problem> train, std::vector<text::Problem> test);

 private:
  const std::vector<text::Problem>& problems(text::Split split) const {
    return split == text::Split::test ? test_ : train_;
  }

  std::string type_, what_;
  std::vector<text::Problem> train_, test_;
  mutable PassOrder train_order_, test_order_;
};

}  // namespace posttrain::tasks
