// What is wrong, or looks wrong, with a recipe before its first step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/node.h"

namespace posttrain::pipeline {

// error: the run can't do what the recipe says. warning: it can, but hardly anyone means it.
enum class Severity : uint8_t { error, warning };

struct Finding {
  Severity severity;
  Problem problem;  // path: "stages[2].training.lr"

  // "recipe.json:14:5 stages[2].training.lr: ...", behind "warning: " where it is one.
  std::string text() const;
};

// Fills in where each key, or the nearest one around it, was written.
void place_findings(std::vector<Finding>& findings, const Node& source);

// Throws Problems with all errors, if there are any; with `strict` warnings are errors.
void throw_errors(const std::vector<Finding>& findings, bool strict = false);

}  // namespace posttrain::pipeline
