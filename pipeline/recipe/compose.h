// A recipe's text made whole: what it extends, its variables and the changes of the command line become one tree whose
// places still say where each value was written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/node.h"

namespace posttrain::pipeline {

// - "extends": a file, or a list of them from left to right. A name is looked for beside the naming file, then (with or
//   without ".json") among the shipped recipes. Objects merge deep, an object of another "type", a list or anything
//   else replaces, null removes.
// - "vars": {"name": value}. "${name}" as a whole text becomes the value, within a text its letters; "$${" is "${".
// - sets: "a.b.c=value", the value read as JSON, else as text; a list's element is a[1] or a.NAME by its "name" or
//   "type"; null removes.
// What is wrong is added to `problems`; "extends", "vars" and "$schema" are gone from the result.
Node compose_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets,
                    std::vector<Problem>& problems);

// A recipe as it is named on the command line: a file, or where there is none and the name has no folder, a shipped
// recipe with or without ".json". Throws Error with the nearest name.
std::filesystem::path find_recipe(const std::filesystem::path& named);

// Where the shipped recipes are: $POSTTRAIN_RECIPES, else the recipes folder of the source tree.
std::filesystem::path shipped_recipes();

}  // namespace posttrain::pipeline
