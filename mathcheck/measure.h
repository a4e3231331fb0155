// Values with units, currency and degree signs, and percentages.
#pragma once

#include <functional>
#include <optional>

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

// Compares by `equal` what remains when units are taken off: they may be missing from one side; when both name one they
// must agree or convert. Nothing when neither side has a unit.
std::optional<Same> compare_measures(Case& c, int a, int b, const std::function<Same(int, int)>& equal);

}  // namespace posttrain::mathcheck
