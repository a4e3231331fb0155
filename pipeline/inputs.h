// What a recipe reads, opened without a run: task, tokenizer, renderer and rewards.
#pragma once

#include <filesystem>
#include <memory>

#include "pipeline/recipe/recipe.h"
#include "rewards/registry.h"
#include "text/renderer.h"
#include "text/task.h"
#include "text/tokenizer.h"

namespace posttrain::pipeline {

// The recipe's own tokenizer, the model's, or one token a character: of tokenizer.chars, else of the task's vocabulary.
// The last two are written into `folder` first, so that every run has its tokenizer as files. Throws Error when there
// is none.
std::unique_ptr<Tokenizer> open_tokenizer(const Recipe& recipe, const std::filesystem::path& folder);

struct RunInputs {
  std::unique_ptr<text::Task> task;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Renderer> renderer;
};

// Throws Error for what can't be opened.
RunInputs open_inputs(const Recipe& recipe, const std::filesystem::path& tokenizer_folder);

}  // namespace posttrain::pipeline
