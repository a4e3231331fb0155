// Generated word problems of one or two steps for models that read English, such as
//   "Mia has 17 apples. She gives 4 to Ben and eats 7. How many apples does she have left?" -> 6
// with short worked solutions: "17 - 4 = 13. 13 - 7 = 6.\nAnswer: 6".
#pragma once

#include <string>
#include <string_view>

#include "base/params.h"
#include "base/rng.h"
#include "text/task.h"

namespace posttrain::tasks {

struct WordSettings {
  int64_t min_steps = 2, max_steps = 2, largest = 20;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// Problems are conversations: the story is the user's message. The traces answer it, the only source there is.
class WordTask : public text::Task {
 public:
  explicit WordTask(const WordSettings& settings) : settings_(settings) {}

  int64_t size(text::Split) const override { return 0; }
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

  // By the story's text.
  static text::Split split(std::string_view story) { return text::split_of(hash_name(story)); }

 private:
  WordSettings settings_;
};

}  // namespace posttrain::tasks
