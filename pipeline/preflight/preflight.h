// All that a run can know before its first step. `recipe check`, `run --dry-run` and `run` find the same by it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/preflight/finding.h"
#include "pipeline/recipe/recipe.h"

namespace posttrain::pipeline {

struct PreflightOptions {
  bool memory = true;                                           // say which stages need more than this machine has
  bool quick = false;                                           // look at some rows of each file only
  const Node* source = nullptr;                                 // where the recipe's keys were written
  std::function<void(int64_t done, int64_t total)> watch = {};  // rows that were looked at
};

// Opens files, data, tokenizer and judges, renders every row, and asks every stage. In the order of the recipe.
std::vector<Finding> preflight(const Recipe& recipe, const PreflightOptions& options = {});

// The first `count` prompts that the recipe's training (else its evaluation) asks, as the model sees them. Throws Error
// for what can't be opened.
std::vector<std::string> sample_prompts(const Recipe& recipe, int64_t count);

}  // namespace posttrain::pipeline
