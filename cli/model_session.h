// A model, its tokenizer and an engine, as the commands that only sample need them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/arguments.h"
#include "model/transformer.h"
#include "nn/backend.h"
#include "rollout/engine.h"
#include "text/renderer.h"
#include "text/tokenizer.h"

namespace posttrain::cli {

// Loads a model directory or a GGUF file for sampling.
struct ModelSession {
  explicit ModelSession(const std::filesystem::path& path, const ChatSettings& chat = {}, DType stored = DType::f32);

  Tokenizer tokenizer;  // first: reading it takes memory that the weights can use after it
  std::unique_ptr<nn::Backend> backend;
  std::unique_ptr<model::Transformer> model;
  Renderer renderer;

  rollout::Engine make_engine(const rollout::EngineSettings& settings = {});
};

// The options that all commands have which sample from a model.
struct SamplingOptions {
  rollout::SamplingSettings sampling;
  std::string dtype = "f32";
  int64_t seed = 1, threads = 0;

  void declare(Arguments& args);
  // Throws Error for one that there is not.
  DType stored() const;
};

}  // namespace posttrain::cli
