// A programming task in miniature: words for a few operations on x, to be written as a Python expression, such as
// "add 3 times 2:" -> (x+3)*2. A program is judged by running it on hidden numbers.
//
// The corpus forgets brackets, confuses operations and slips on digits, so a base model is often wrong and
// reinforcement by tests has something to teach.
#pragma once

#include "base/params.h"
#include "text/task.h"

namespace posttrain::tasks {

struct CoderSettings {
  int64_t min_steps = 2, max_steps = 3;
  // Shares of the corpus; they need not sum to 1.
  double right = 0.2, no_brackets = 0.4, slip = 0.25, broken = 0.15;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

class CoderTask : public text::Task {
 public:
  explicit CoderTask(const CoderSettings& settings) : settings_(settings) {}

  int64_t size(text::Split) const override { return 0; }
  // `extra` is a row with tests as the code reward reads them.
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 private:
  CoderSettings settings_;
};

}  // namespace posttrain::tasks
