// What a recipe will do, stage by stage, before anything is computed: steps, tokens and a guess at the time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "nn/backend.h"
#include "pipeline/recipe/recipe.h"

namespace posttrain::pipeline {

// Tokens are estimates: answers are taken as half as long as their limit, documents as long as the first of them, and a
// stage's kept answers as many as it may keep.
struct StagePlan {
  std::string name, type, from;
  int64_t steps = 0;
  double trained = 0;  // tokens through forward and backward
  double scored = 0;   // tokens through a forward alone: reference, teacher
  double sampled = 0;
  double seconds = 0;
  std::string memory;  // of a stage that trains
};

std::vector<StagePlan> plan_run(const Recipe& recipe, nn::Backend& backend);

// A table for people, and the same as {"stages": [...], "seconds": n}.
std::string plan_text(const std::vector<StagePlan>& plan);
Json plan_json(const std::vector<StagePlan>& plan);

}  // namespace posttrain::pipeline
