// posttrain recipe show | diff | check | list
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/arguments.h"
#include "pipeline/preflight/preflight.h"
#include "pipeline/recipe/compose.h"
#include "pipeline/recipe/recipe_view.h"

namespace posttrain::cli {
namespace {

struct RecipeGiven {
  std::string file, other;
  std::vector<std::string> sets;
  bool resolved = false, origin = false, json = false, strict = false, quick = false;
};

constexpr const char* set_doc = "Change a value: stages.zero.steps=40";

int print(const std::string& text) {
  std::printf("%s\n", text.c_str());
  return 0;
}

int show(const RecipeGiven& given) {
  if (given.json && !given.origin)
    throw Error("recipe show", "--json", "--origin with it; a recipe is JSON already", "none");
  const auto loaded = pipeline::load_recipe(given.file, given.sets);
  if (!given.origin) {
    return print(to_pretty(given.resolved ? pipeline::to_json(loaded.recipe) : loaded.source.json()));
  }
  const auto values = pipeline::view_recipe(loaded);
  size_t width = 0;
  for (const auto& view : values) width = std::max(width, view.path.size() + view.value.size());
  width = std::min<size_t>(width, 70);
  for (const auto& [path, value, origin] : values) {
    if (!given.resolved && origin == "default") continue;
    const size_t used = path.size() + value.size();
    const std::string gap(used < width ? width - used : 0, ' ');
    if (given.json)
      print(to_line(Json{{"path", path}, {"value", parse_json(value, path)}, {"origin", origin}}));
    else
      print(path + " = " + value + gap + "  # " + origin);
  }
  return 0;
}

Action show_command(Arguments& args) {
  auto given = std::make_shared<RecipeGiven>();
  args.positional("file", given->file, "A recipe");
  args.option("--set", given->sets, set_doc);
  args.flag("--resolved", given->resolved, "Every value, defaults included, as a run stores it");
  args.flag("--origin", given->origin, "One value a line with the place that it comes from");
  args.flag("--json", given->json, "With --origin: one JSON object a line");
  args.example("posttrain recipe show recipes/r1-zero.json --resolved --origin");
  return [given] { return show(*given); };
}

Action diff_command(Arguments& args) {
  auto given = std::make_shared<RecipeGiven>();
  args.positional("first", given->file, "A recipe");
  args.positional("second", given->other, "Another, e.g. the recipe.resolved.json of a run");
  args.flag("--json", given->json, "One JSON object a line");
  args.example("posttrain recipe diff recipes/r1-zero.json runs/r1-zero/recipe.resolved.json");
  return [given] {
    const auto first = pipeline::load_recipe(given->file), second = pipeline::load_recipe(given->other);
    for (const auto& [path, a, b] : pipeline::compare_recipes(first.recipe, second.recipe)) {
      const auto value = [&path = path](const std::string& text) {
        return text.empty() ? Json() : parse_json(text, path);
      };
      if (given->json)
        print(to_line(Json{{"path", path}, {"first", value(a)}, {"second", value(b)}}));
      else
        print(path + ": " + (a.empty() ? "-" : a) + " -> " + (b.empty() ? "-" : b));
    }
    return 0;
  };
}

// On a terminal a line that counts the rows, for files that take long.
void show_rows(int64_t done, int64_t total) {
  if (isatty(STDERR_FILENO) != 0)
    std::fprintf(stderr, "\rrow %lld of %lld \r", static_cast<long long>(done), static_cast<long long>(total));
}

int check(const RecipeGiven& given) {
  const auto loaded = pipeline::load_recipe(given.file, given.sets);
  const auto findings =
      pipeline::preflight(loaded.recipe, {.quick = given.quick, .source = &loaded.source, .watch = show_rows});
  pipeline::throw_errors(findings, given.strict);
  for (const auto& finding : findings) print(finding.text());
  return print(given.file + " is a valid recipe");
}

Action check_command(Arguments& args) {
  auto given = std::make_shared<RecipeGiven>();
  args.positional("file", given->file, "A recipe");
  args.option("--set", given->sets, set_doc);
  args.flag("--strict", given->strict, "Take warnings as errors");
  args.flag("--quick", given->quick, "Look at the first rows of each file only");
  args.example("posttrain recipe check recipes/r1-zero.json");
  return [given] { return check(*given); };
}

Action list_command(Arguments& args) {
  auto given = std::make_shared<RecipeGiven>();
  args.flag("--json", given->json, "One JSON object a line");
  args.example("posttrain recipe list");
  return [given] {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(pipeline::shipped_recipes())) {
      const auto name = entry.path().filename().string();
      if (name.ends_with(".json") && !name.ends_with(".schema.json")) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const auto& file : files) {
      const auto recipe = pipeline::load_recipe(file).recipe;
      const std::string name = file.stem().string();
      if (given->json) {
        print(to_line(Json{{"name", name}, {"file", file.string()}, {"description", recipe.description}}));
      } else {
        print(name + std::string(name.size() < 24 ? 24 - name.size() : 1, ' ') + recipe.description);
      }
    }
    return 0;
  };
}

constexpr Command kRecipeCommands[] = {
    {"show", "Recipes", "Print a recipe with what it extends, its variables and --set applied", &show_command},
    {"diff", "Recipes", "Print the values in which two recipes differ, defaults included", &diff_command},
    {"check", "Recipes", "Read a recipe and tell everything that is wrong with it", &check_command},
    {"list", "Recipes", "The shipped recipes", &list_command},
};

}  // namespace

Action recipe_command(Arguments& args) {
  args.example("posttrain recipe show recipes/r1-zero.json --resolved");
  return args.subcommands(kRecipeCommands);
}

}  // namespace posttrain::cli
