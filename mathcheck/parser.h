// From tokens to a tree, by operator precedence with stacks of its own: no recursion, whatever the depth.
#pragma once

#include <optional>
#include <string_view>

#include "mathcheck/budget.h"
#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

// The root of `normalized` in `tree`, or nothing when it is no answer the grammar knows.
// Forgiven, since only one reading makes sense: brackets never closed, closing brackets never opened.
std::optional<int> parse(std::string_view normalized, Tree& tree, Budget& budget);

}  // namespace posttrain::mathcheck
