#include "pipeline/inputs.h"

#include "base/error.h"
#include "base/folders.h"
#include "pipeline/data_check.h"
#include "tasks/task_table.h"
#include "text/char_tokenizer.h"

namespace posttrain::pipeline {
std::unique_ptr<Tokenizer> open_tokenizer(const Recipe& recipe, const std::filesystem::path& folder) {
  const TokenizerSpec& spec = recipe.tokenizer;
  const auto vocabulary = new_vocabulary(recipe);
  if (!vocabulary && !spec.path.empty()) return std::make_unique<Tokenizer>(Tokenizer::load(spec.path));
  if (!vocabulary && !recipe.model.path.empty()) return std::make_unique<Tokenizer>(Tokenizer::load(recipe.model.path));
  if (!vocabulary)
    throw Error("recipe", "tokenizer", "a path, chars, or a task that brings its own vocabulary", "none");
  make_folders(folder);
  write_char_tokenizer(*vocabulary, folder);
  return std::make_unique<Tokenizer>(Tokenizer::load(folder));
}

RunInputs open_inputs(const Recipe& recipe, const std::filesystem::path& tokenizer_folder) {
  RunInputs out;
  out.task = tasks::make_task(recipe.task.settings, hold_out_of(recipe));
  out.tokenizer = open_tokenizer(recipe, tokenizer_folder);
  out.renderer = std::make_unique<Renderer>(*out.tokenizer, recipe.chat, recipe.model.path);
  return out;
}

}  // namespace posttrain::pipeline
