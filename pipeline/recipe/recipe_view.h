// A recipe looked at value by value: where each was written, and how two recipes differ.
#pragma once

#include <string>
#include <vector>

#include "pipeline/recipe/recipe.h"

namespace posttrain::pipeline {

// One value of a resolved recipe. `origin` is "file:line:col", "--set", "default", or "derived" where it follows from
// other values.
struct ValueView {
  std::string path, value, origin;
};

std::vector<ValueView> view_recipe(const LoadedRecipe& loaded);

// Values that differ; a missing one is an empty text. Stages and rewards are matched by place in their list.
struct ValueDifference {
  std::string path, first, second;
};

std::vector<ValueDifference> compare_recipes(const Recipe& first, const Recipe& second);

}  // namespace posttrain::pipeline
