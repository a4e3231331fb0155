// What a recipe will do, stage by stage, before anything is computed: steps, tokens and a guess at the time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "nn/backend.h"
#include "pipeline/recipe/recipe.h"

namespace posttrain::pipeline {

// At least, at most, and what is taken for the time: answers half as long as their limit.
struct Range {
  double low = 0, expected = 0, high = 0;

  Range& operator+=(const Range& other);
  friend Range operator*(const Range& range, double factor) {
    return {range.low * factor, range.expected * factor, range.high * factor};
  }
};

// Documents and prompts are rendered and counted. What a stage keeps for later ones is not known before it ran: it is
// taken as all that it may keep, and `exact` is false where steps follow from that.
struct StagePlan {
  std::string name, type, from;
  int64_t steps = 0;
  bool exact = true;   // steps
  Range trained;       // tokens through forward and backward
  Range scored;        // tokens through a forward alone: reference, teacher
  double prompts = 0;  // tokens of prompts, each once for all its answers
  Range sampled;
  Range seconds;       // from half the expected time at the fewest tokens to twice the time at the most
  std::string memory;  // of a stage that trains
  int64_t memory_bytes = 0;
  bool starts = true;  // the machine has that much
};

std::vector<StagePlan> plan_run(const Recipe& recipe, nn::Backend& backend);

// A table for people, and the same as {"stages": [...], "seconds": n, "seconds_range": [low, high]}.
std::string plan_text(const std::vector<StagePlan>& plan);
Json plan_json(const std::vector<StagePlan>& plan);

}  // namespace posttrain::pipeline
