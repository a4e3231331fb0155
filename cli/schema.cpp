#include <cstdio>

#include "base/json.h"
#include "cli/arguments.h"
#include "pipeline/recipe/recipe.h"

namespace posttrain::cli {

Action schema_command(Arguments& args) {
  args.example("posttrain schema > recipes/posttrain.schema.json");
  return [] {
    std::printf("%s\n", to_pretty(pipeline::recipe_schema()).c_str());
    return 0;
  };
}

}  // namespace posttrain::cli
