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

// Loads a model directory or a GGUF file for sampling, with an adapter merged into it where one is named.
struct ModelSession {
  explicit ModelSession(const std::filesystem::path& path, const ChatSettings& chat = {}, DType stored = DType::f32,
                        const std::filesystem::path& adapter = {});

  Tokenizer tokenizer;  // first: reading it takes memory that the weights can use after it
  std::unique_ptr<nn::Backend> backend;
  std::unique_ptr<model::Transformer> model;
  Renderer renderer;

  rollout::Engine make_engine(const rollout::EngineSettings& settings = {});
};

// The options that all commands have which sample from a model. max_new_tokens is 0 until room() has decided it.
struct SamplingOptions {
  rollout::SamplingSettings sampling{.max_new_tokens = 0};
  std::string dtype = "f32", adapter;
  int64_t seed = 1, threads = 0;

  void declare(Arguments& args);
  // Settles the longest answer behind a prompt of `prompt` tokens in a context of `positions`: all that is left, or
  // what was asked for, cut to that with a word on stderr. Throws Error when nothing is left.
  void fit(int64_t prompt, int64_t positions);
  // Throws Error for one that there is not.
  DType stored() const;
};

}  // namespace posttrain::cli
