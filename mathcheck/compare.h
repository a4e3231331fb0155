// Whether a predicted answer says the same as the gold answer, whatever kind of answer it is.
#pragma once

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

// docs/rewards.md tells the rules. Symmetric in meaning: gold and pred may be swapped.
Same compare_answers(Case& c, int gold, int pred);

}  // namespace posttrain::mathcheck
