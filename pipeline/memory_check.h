// Says before a run starts what each stage will need in memory, and refuses what can't fit.
#pragma once

#include "pipeline/progress.h"
#include "pipeline/recipe.h"

namespace posttrain::pipeline {

// Shows one line a training stage. Throws Error, naming the setting that shrinks it, when one needs more than is free.
void check_memory(const Recipe& recipe, Progress& progress);

}  // namespace posttrain::pipeline
