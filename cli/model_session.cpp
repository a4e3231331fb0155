#include "cli/model_session.h"

#include <cstdio>

#include "base/error.h"
#include "model/adapter.h"
#include "pipeline/provenance.h"

namespace posttrain::cli {

namespace {

// Before anything else of a model is read.
Tokenizer load_tokenizer_of(const std::filesystem::path& path) {
  pipeline::check_model_of_run(path);
  return Tokenizer::load(path);
}

}  // namespace

ModelSession::ModelSession(const std::filesystem::path& path, const ChatSettings& chat, DType stored,
                           const std::filesystem::path& adapter)
    : tokenizer(load_tokenizer_of(path)),
      backend(nn::make_cpu_backend()),
      model(model::Transformer::load(*backend, path, stored, nn::Use::inference)),
      renderer(tokenizer, chat, path.string()) {
  if (!adapter.empty()) model::merge_adapter(*model, adapter);
}

rollout::Engine ModelSession::make_engine(const rollout::EngineSettings& settings) {
  return rollout::Engine(*model, settings, tokenizer.stop_ids(),
                         [this](std::span<const int32_t> ids) { return tokenizer.decode(ids); });
}

void SamplingOptions::declare(Arguments& args) {
  args.settings(slot(sampling), {}, {{"max_new_tokens", "what is left of the context"}});
  args.option("--adapter", adapter, "A folder with a LoRA adapter in PEFT's format, merged into the model");
  args.option("--dtype", dtype, "Weights in memory: f32 or bf16");
  args.option("--seed", seed, "Of the draws", {.min = 0});
  args.option("--threads", threads, "0 = every core", {.min = 0, .max = 1024});
}

void SamplingOptions::fit(int64_t prompt, int64_t positions) {
  const int64_t left = positions - prompt;
  if (left < 1) {
    throw Error("prompt", "length", "fewer than the model's " + std::to_string(positions) + " positions",
                std::to_string(prompt) + " tokens");
  }
  if (sampling.max_new_tokens > left) {
    std::fprintf(stderr,
                 "--max-new-tokens %lld is cut to %lld: a prompt of %lld tokens leaves no more of the model's %lld\n",
                 static_cast<long long>(sampling.max_new_tokens), static_cast<long long>(left),
                 static_cast<long long>(prompt), static_cast<long long>(positions));
  }
  if (sampling.max_new_tokens == 0 || sampling.max_new_tokens > left) sampling.max_new_tokens = left;
}

DType SamplingOptions::stored() const {
  if (dtype == "f32") return DType::f32;
  if (dtype == "bf16") return DType::bf16;
  throw Error("options", "--dtype", "f32 or bf16", dtype);
}

}  // namespace posttrain::cli
