// A model, its tokenizer and an engine, as the commands that only sample need them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "model/transformer.h"
#include "nn/backend.h"
#include "rollout/engine.h"
#include "text/tokenizer.h"

namespace posttrain::cli {

// Loads a Hugging Face model directory for sampling.
struct ModelSession {
  explicit ModelSession(const std::filesystem::path& dir);

  std::unique_ptr<nn::Backend> backend;
  std::unique_ptr<model::Transformer> model;
  Tokenizer tokenizer;

  rollout::Engine make_engine(const rollout::EngineSettings& settings = {});
  // The model's leading token, where it has one, and the text.
  std::vector<int32_t> prompt(std::string_view text) const;
};

}  // namespace posttrain::cli
