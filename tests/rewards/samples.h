// A sample from a completion and a gold answer.
#pragma once

#include <string_view>

#include "rewards/reward.h"

namespace posttrain::rewards {

inline Sample sample_of(std::string_view completion, std::string_view answer = {}) {
  Sample sample;
  sample.completion = completion;
  sample.answer = answer;
  return sample;
}

}  // namespace posttrain::rewards
