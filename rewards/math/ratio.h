// Ratios and clock times: a : b.
#pragma once

#include "rewards/math/scalars.h"

namespace posttrain::rewards::math {

// Ratios are equal when proportional, in order; what reads as a clock time on both sides, member by member. A ratio of
// two is also its quotient.
Same compare_ratios(Case& c, int a, int b);

}  // namespace posttrain::rewards::math
