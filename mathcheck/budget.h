// The one limit on work per case. Steps are counted, never time: the same case always ends the same way.
#pragma once

#include <cstdint>

namespace posttrain::mathcheck {

// Thrown when a case has used up its steps; the checker turns it into Verdict::undecided.
struct OverBudget {};

class Budget {
 public:
  // One step is roughly ten nanoseconds of work.
  explicit Budget(int64_t steps) : left_(steps) {}
  void spend(int64_t steps) {
    left_ -= steps;
    if (left_ < 0) throw OverBudget{};
  }

 private:
  int64_t left_;
};

}  // namespace posttrain::mathcheck
