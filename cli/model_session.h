// A model, its tokenizer and an engine, as the commands that only sample need them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "model/transformer.h"
#include "nn/backend.h"
#include "rollout/engine.h"
#include "text/renderer.h"
#include "text/tokenizer.h"

namespace posttrain::cli {

// Loads a model directory or a GGUF file for sampling.
struct ModelSession {
  explicit ModelSession(const std::filesystem::path& path, const ChatSettings& chat = {},
                        nn::DType stored = nn::DType::f32);

  Tokenizer tokenizer;  // first: reading it takes memory that the weights can use after it
  std::unique_ptr<nn::Backend> backend;
  std::unique_ptr<model::Transformer> model;
  Renderer renderer;

  rollout::Engine make_engine(const rollout::EngineSettings& settings = {});
};

// f32 or bf16, as an option gives it.
nn::DType stored_type(const std::string& dtype);

}  // namespace posttrain::cli
