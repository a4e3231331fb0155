#include "cli/model_session.h"

namespace posttrain::cli {

ModelSession::ModelSession(const std::filesystem::path& dir)
    : backend(nn::make_cpu_backend()),
      model(model::Transformer::load(*backend, dir, nn::DType::f32, nn::Use::inference)),
      tokenizer(Tokenizer::load(dir)) {}

rollout::Engine ModelSession::make_engine(const rollout::EngineSettings& settings) {
  return rollout::Engine(*model, settings, tokenizer.stop_ids(),
                         [this](std::span<const int32_t> ids) { return tokenizer.decode(ids); });
}

std::vector<int32_t> ModelSession::prompt(std::string_view text) const {
  std::vector<int32_t> ids;
  if (const auto bos = tokenizer.bos_id()) ids.push_back(*bos);
  const auto body = tokenizer.encode(text);
  ids.insert(ids.end(), body.begin(), body.end());
  return ids;
}

}  // namespace posttrain::cli
