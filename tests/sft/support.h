// Shared by the tests of sft.
#pragma once

#include <cmath>
#include <string>

#include "sft/dpo.h"

namespace posttrain::sft {

// One metric of a step, by name; NaN when it is not there.
inline double metric(const DpoStep& step, const std::string& name) {
  for (const auto& [key, value] : step.metrics) {
    if (key == name) return value;
  }
  return NAN;
}

}  // namespace posttrain::sft
