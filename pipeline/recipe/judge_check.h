// Judges that live outside this process, tried before anything is trained.
#pragma once

#include <vector>

#include "base/node.h"
#include "pipeline/recipe/recipe.h"

namespace posttrain::pipeline {

// Starts each of them once and has it judge the gold answer to `problem` (split "probe", step 0). For those that fail
// the setting and the judge's own words.
std::vector<Problem> probe_judges(const Recipe& recipe, const text::Problem& problem);

// The same with the first training problem; throws Problems. Reads the task's data only where there is such a judge.
void check_judges(const Recipe& recipe);

}  // namespace posttrain::pipeline
