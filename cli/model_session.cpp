#include "cli/model_session.h"

#include "base/error.h"

namespace posttrain::cli {

ModelSession::ModelSession(const std::filesystem::path& path, const ChatSettings& chat, DType stored)
    : tokenizer(Tokenizer::load(path)),
      backend(nn::make_cpu_backend()),
      model(model::Transformer::load(*backend, path, stored, nn::Use::inference)),
      renderer(tokenizer, chat, path.string()) {}

rollout::Engine ModelSession::make_engine(const rollout::EngineSettings& settings) {
  return rollout::Engine(*model, settings, tokenizer.stop_ids(),
                         [this](std::span<const int32_t> ids) { return tokenizer.decode(ids); });
}

void SamplingOptions::declare(Arguments& args) {
  args.option("--temperature", sampling.temperature, "0 takes the likeliest token");
  args.option("--top-p", sampling.top_p, "Keep the fewest likeliest tokens that reach this probability");
  args.option("--top-k", sampling.top_k, "Keep this many tokens; 0 = all");
  args.option("--min-p", sampling.min_p, "Drop tokens less likely than this share of the likeliest");
  args.option("--max-new-tokens", sampling.max_new_tokens, "Longest answer");
  args.option("--dtype", dtype, "Weights in memory: f32 or bf16");
  args.option("--seed", seed, "Of the draws");
  args.option("--threads", threads, "0 = every core");
}

DType SamplingOptions::stored() const {
  if (dtype == "f32") return DType::f32;
  if (dtype == "bf16") return DType::bf16;
  throw Error("options", "--dtype", "f32 or bf16", dtype);
}

}  // namespace posttrain::cli
