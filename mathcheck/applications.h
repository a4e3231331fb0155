// f(x) as a function's value: a letter before a bracket is not always a factor.
#pragma once

#include <utility>

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

// Both formulas with every application of a function, such as f(0), P(A) or \zeta(2), replaced by a name of its own;
// applications of one function whose arguments are equal share the name. The formulas as they are where nothing in them
// is applied. A letter that is customarily a function's, or any letter before a numeral or several arguments, is
// applied; the former only while the other formula does not use the letter as a factor: (b + c)h beside h(b + c).
std::pair<int, int> with_applications(Case& c, int a, int b);

}  // namespace posttrain::mathcheck
