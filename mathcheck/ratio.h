// Ratios and clock times: a : b.
#pragma once

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

// Ratios are equal when proportional, in order; what reads as a clock time on both sides, member by member. A ratio of
// two is also its quotient.
Same compare_ratios(Case& c, int a, int b);
// Times of day: "3 p.m." and "15:00" are one, "3:00" may be either half; nothing when they are no such times.
std::optional<Same> compare_clocks(Case& c, int a, int b);

}  // namespace posttrain::mathcheck
