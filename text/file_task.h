// Problems that were read from files, in endless passes over them.
#pragma once

#include <string>
#include <vector>

#include "base/shuffle.h"
#include "text/task.h"

namespace posttrain::text {

class FileTask : public Task {
 public:
  int64_t size(Split split) const override { return std::ssize(problems(split)); }
  Problem problem(Split split, uint64_t seed, uint64_t index) const override;
  // Throws Error: such a task has no corpus of its own.
  Document document(Source source, uint64_t seed, uint64_t index) const override;

 protected:
  // `type` is the task's name in a recipe, `what` such as "a file of statements". Throws Error when both are empty.
  FileTask(std::string type, std::string what, std::vector<Problem> train, std::vector<Problem> test);

 private:
  const std::vector<Problem>& problems(Split split) const { return split == Split::test ? test_ : train_; }

  std::string type_, what_;
  std::vector<Problem> train_, test_;
  mutable PassOrder train_order_, test_order_;
};

}  // namespace posttrain::text
