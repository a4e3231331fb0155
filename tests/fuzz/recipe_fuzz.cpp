// A recipe from hostile hands: either every problem is told, or the resolved recipe reads back as itself.
// Input: a recipe's text; after a zero byte, lines of --set.
#include <stdlib.h>

#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "pipeline/recipe/recipe.h"
#include "pipeline/recipe/recipe_view.h"

namespace {

void write_quickly(const std::filesystem::path& file, std::string_view text) {
  std::FILE* out = std::fopen(file.c_str(), "wb");
  PT_ASSERT(out != nullptr, file.string());
  std::fwrite(text.data(), 1, text.size(), out);
  std::fclose(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace posttrain;
  static const TemporaryFolder folder;  // "extends" finds nothing else in it
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(0, input.find('\0'));
  std::vector<std::string> sets;
  for (std::string_view rest = input.substr(std::min(text.size() + 1, input.size())); !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    sets.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  write_quickly(folder.path() / "recipe.json", text);
  try {
    const auto loaded = pipeline::load_recipe(folder.path() / "recipe.json", sets);
    const Json resolved = pipeline::to_json(loaded.recipe);
    const Json again = pipeline::to_json(pipeline::recipe_from_json(resolved, "resolved"));
    PT_ASSERT(to_line(resolved) == to_line(again), to_line(resolved), to_line(again));
    pipeline::view_recipe(loaded);
  } catch (const Error& e) {
    PT_ASSERT(*e.what() != '\0', text);
  }
  return 0;
}
