// The math checker: does a reply deserve the reward for a gold answer? docs/rewards.md tells what is decided how.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/verdict.h"
#include "mathcheck/extract.h"
#include "mathcheck/form.h"

namespace posttrain::mathcheck {

struct CheckOptions {
  Policy policy = Policy::lenient;
  Think think = Think::automatic;
  Form form = Form::any;
  int64_t steps = 400'000;  // about 4 ms of work; a case that needs more is undecided
};

struct CheckResult {
  Verdict verdict = Verdict::wrong;
  std::string gold_parsed, pred_parsed;  // in one spelling, for people
  std::string method;                    // how it was decided
};

// Thread-safe; no state, no clock, no signals, no recursion on the depth of its input. Never throws on any input.
CheckResult check(std::string_view gold, std::string_view reply, const CheckOptions& options = {});

}  // namespace posttrain::mathcheck
