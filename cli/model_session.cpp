#include "cli/model_session.h"

#include "base/error.h"

namespace posttrain::cli {

ModelSession::ModelSession(const std::filesystem::path& path, const ChatSettings& chat, nn::DType stored)
    : tokenizer(Tokenizer::load(path)),
      backend(nn::make_cpu_backend()),
      model(model::Transformer::load(*backend, path, stored, nn::Use::inference)),
      renderer(tokenizer, chat, path.string()) {}

rollout::Engine ModelSession::make_engine(const rollout::EngineSettings& settings) {
  return rollout::Engine(*model, settings, tokenizer.stop_ids(),
                         [this](std::span<const int32_t> ids) { return tokenizer.decode(ids); });
}

nn::DType stored_type(const std::string& dtype) {
  if (dtype == "f32") return nn::DType::f32;
  if (dtype == "bf16") return nn::DType::bf16;
  throw Error("options", "--dtype", "f32 or bf16", dtype);
}

}  // namespace posttrain::cli
