// Says before a run starts what each stage will need in memory, and refuses what can't fit.
#pragma once

#include <string>

#include "pipeline/recipe/recipe.h"
#include "pipeline/show/progress.h"

namespace posttrain::pipeline {

// Shows one line a stage that trains. Throws Error, naming the setting that shrinks it, when one needs more than is
// free.
void check_memory(const Recipe& recipe, Progress& progress);

// "weights 0.5 GB, ..." of a stage that trains; "" else.
std::string memory_text(const Recipe& recipe, const StageSpec& stage);

}  // namespace posttrain::pipeline
