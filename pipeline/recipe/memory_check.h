// Says before a run starts what each stage will need in memory, and refuses what can't fit.
#pragma once

#include <string>

#include "model/memory_plan.h"
#include "model/schedule.h"
#include "pipeline/recipe/recipe.h"
#include "pipeline/show/progress.h"

namespace posttrain::pipeline {

// What a stage trains.
struct StageModel {
  model::Arch arch;
  DType stored;
};

struct MemoryNeed {
  model::MemoryPlan plan;
  const char* knob;  // the setting that makes the largest part smaller
};

// The setting that makes the larger of activations and optimizer smaller and is not in use yet.
const char* memory_knob(const model::MemoryPlan& plan, const model::TrainingSettings& training);

// Shows one line a stage that trains. Throws Error, naming the setting that shrinks it, when one needs more than this
// machine has; one that needs more than is free just now is a warning.
void check_memory(const Recipe& recipe, Progress& progress);

// "weights 0.5 GB, ..." of a stage that trains; "" else.
std::string memory_text(const Recipe& recipe, const StageSpec& stage);

}  // namespace posttrain::pipeline
