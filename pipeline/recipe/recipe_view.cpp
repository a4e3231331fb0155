#include "pipeline/recipe/recipe_view.h"

#include <algorithm>

namespace posttrain::pipeline {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

void flatten(const Json& json, const std::string& path, Values& out) {
  if (json.is_object() && !json.empty()) {
    for (const auto& [key, value] : json.items()) flatten(value, path.empty() ? key : path + "." + key, out);
  } else if (json.is_array() && !json.empty() && json[0].is_structured()) {
    for (size_t i = 0; i < json.size(); ++i) flatten(json[i], path + "[" + std::to_string(i) + "]", out);
  } else {
    out.emplace_back(path, to_line(json));
  }
}

Values flat(const Recipe& recipe) {
  Values out;
  flatten(to_json(recipe), "", out);
  return out;
}

}  // namespace

std::vector<ValueView> view_recipe(const LoadedRecipe& loaded) {
  // What reading gives before values are derived from others.
  Recipe plain;
  std::vector<Problem> problems;
  read_params(loaded.source, slot(plain), "", problems);
  const Values before = flat(plain);
  std::vector<ValueView> out;
  for (const auto& [path, value] : flat(loaded.recipe)) {
    const Node* node = find_path(loaded.source, path);
    const auto old = std::ranges::find(before, path, &Values::value_type::first);
    const bool derived = old == before.end() || old->second != value;
    out.push_back({path, value, derived ? "derived" : node != nullptr ? node->place.text() : "default"});
  }
  return out;
}

std::vector<ValueDifference> compare_recipes(const Recipe& first, const Recipe& second) {
  const Values a = flat(first), b = flat(second);
  const auto value = [](const Values& values, const std::string& path) {
    const auto it = std::ranges::find(values, path, &Values::value_type::first);
    return it == values.end() ? "" : it->second;
  };
  std::vector<ValueDifference> out;
  for (const auto& [path, text] : a) {
    if (const auto other = value(b, path); other != text) out.push_back({path, text, other});
  }
  for (const auto& [path, text] : b) {
    if (value(a, path).empty()) out.push_back({path, "", text});
  }
  return out;
}

}  // namespace posttrain::pipeline
