// Logit distillation against TRL's generalised Jensen-Shannon divergence.
#include <cmath>

#include "base/error.h"
#include "parity/rl_fixture.h"

namespace posttrain::parity {
namespace {

// The teacher's logits [rows, width, vocab] at the answers' tokens, as a distribution that names every id.
nn::Likeliest teacher_of(const Safetensors& file, const FixtureBatch& batch, std::span<const int64_t> rows,
                         double temperature) {
  const auto logits = file.floats("teacher_logits");
  const auto vocab = static_cast<size_t>(file.entry("teacher_logits").shape.at(2));
  nn::Likeliest out;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t t = 0; t < batch.completions.at(rows[i]).ids.size(); ++t) {
      const auto row = std::span(logits).subspan((i * static_cast<size_t>(batch.width) + t) * vocab, vocab);
      double top = -INFINITY, mass = 0;
      for (const float z : row) top = std::max(top, double{z} / temperature);
      for (const float z : row) mass += std::exp(double{z} / temperature - top);
      for (size_t v = 0; v < vocab; ++v) {
        out.ids.push_back(static_cast<int32_t>(v));
        out.logp.push_back(static_cast<float>(double{row[v]} / temperature - top - std::log(mass)));
      }
      out.begin.push_back(static_cast<int32_t>(out.ids.size()));
    }
  }
  return out;
}

void check_case(Comparison& compare, model::Transformer& model, const std::filesystem::path& dir,
                const FixtureBatch& batch, std::span<const int64_t> rows, const Json& c) {
  refuse_unknown(c, (dir / "distill.json").string(),
                 {"name", "beta", "temperature", "loss", "loss_fp64", "has_param_grads"});
  const auto expected = Safetensors::open_file(dir / ("distill_" + c.at("name").get<std::string>() + ".safetensors"));
  const auto file = Safetensors::open_file(dir / "distill_teacher.safetensors");
  const auto& shape = file.entry("teacher_logits").shape;
  if (shape.size() != 3 || shape[0] != std::ssize(rows) || shape[1] != batch.width || shape[2] != model.arch().vocab) {
    throw Error((dir / "distill_teacher.safetensors").string(), "teacher_logits",
                "[rows, width, vocab] of distill.json, the batch and the model",
                std::to_string(shape.size()) + " axes");
  }
  const auto temperature = c.at("temperature").get<double>();
  const auto mask = batch.unpad(file.floats("mask"), rows);
  double counted = 0;
  for (const double m : mask) counted += m;
  std::vector<float> weight;
  for (const double m : mask) weight.push_back(static_cast<float>(m / counted));
  const nn::Likeliest teacher = teacher_of(file, batch, rows, temperature);
  model::Learner learner(model, {});
  const auto divergence =
      learner.distill(rollout::pack_samples(batch.samples(rows), temperature),
                      {.begin = teacher.begin, .ids = teacher.ids, .logp = teacher.logp}, c.at("beta"), weight);
  double loss = 0;
  std::vector<double> per_token;
  for (size_t t = 0; t < mask.size(); ++t) {
    loss += mask[t] / counted * double{divergence[t]};
    per_token.push_back(mask[t] * double{divergence[t]});
  }
  auto wanted = batch.unpad(expected.floats("per_token"), rows);
  for (size_t t = 0; t < mask.size(); ++t) wanted[t] *= mask[t];
  compare.loss("loss_abs", loss, c.at(c.contains("loss_fp64") ? "loss_fp64" : "loss").get<double>());
  compare.numbers("per_token_max", per_token, wanted);
  if (c.at("has_param_grads").get<bool>()) compare.gradients(learner, expected, "grad.");
}

}  // namespace

std::vector<RlParityCase> check_distill_cases(model::Transformer& model, const std::filesystem::path& dir,
                                              const FixtureBatch& batch, const RlParityLimits& limits) {
  const Json json = read_json(dir / "distill.json");
  const auto rows = json.at("rows").get<std::vector<int64_t>>();
  std::vector<RlParityCase> results;
  for (const Json& c : json.at("cases")) {
    results.push_back(run_case("distill_" + c.at("name").get<std::string>(), limits,
                               [&](Comparison& compare) { check_case(compare, model, dir, batch, rows, c); }));
  }
  return results;
}

}  // namespace posttrain::parity
