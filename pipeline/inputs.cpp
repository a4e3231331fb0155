#include "pipeline/inputs.h"

#include "base/error.h"
#include "base/folders.h"
#include "base/utf8.h"
#include "tasks/task_table.h"
#include "text/char_tokenizer.h"

namespace posttrain::pipeline {
namespace {

// Pad, bos and eos, then the special tokens and one token a character. Tags are not special, so that rewards see them.
CharVocabulary vocabulary_of(const TokenizerSpec& spec) {
  CharVocabulary out;
  for (const char* name : {"<pad>", "<bos>", "<eos>"}) out.tokens.push_back({name, true});
  out.pad = 0;
  out.bos = 1;
  out.eos = 2;
  for (const std::string& token : spec.special) out.tokens.push_back({token, false});
  for (size_t at = 0; at < spec.chars.size();) {
    const size_t bytes = utf8_length(spec.chars[at]);
    out.tokens.push_back({spec.chars.substr(at, bytes), false});
    at += bytes;
  }
  return out;
}

}  // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const Recipe& recipe, const std::filesystem::path& folder) {
  const TokenizerSpec& spec = recipe.tokenizer;
  if (!spec.path.empty()) return std::make_unique<Tokenizer>(Tokenizer::load(spec.path));
  if (!recipe.model.path.empty()) return std::make_unique<Tokenizer>(Tokenizer::load(recipe.model.path));
  auto vocabulary = tasks::task_vocabulary(recipe.task.settings);
  if (!spec.chars.empty()) vocabulary = vocabulary_of(spec);
  if (!vocabulary)
    throw Error("recipe", "tokenizer", "a path, chars, or a task that brings its own vocabulary", "none");
  make_folders(folder);
  write_char_tokenizer(*vocabulary, folder);
  return std::make_unique<Tokenizer>(Tokenizer::load(folder));
}

RunInputs open_inputs(const Recipe& recipe, const std::filesystem::path& tokenizer_folder) {
  RunInputs out;
  out.task = tasks::make_task(recipe.task.settings);
  out.tokenizer = open_tokenizer(recipe, tokenizer_folder);
  out.renderer = std::make_unique<Renderer>(*out.tokenizer, recipe.chat, recipe.model.path);
  return out;
}

}  // namespace posttrain::pipeline
