// A real model: SmolLM2-135M-Instruct as a GGUF file (scripts/get-smollm2), against what transformers computes from its
// exactly widened weights.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "base/file.h"
#include "base/json.h"
#include "model/direct_decoder.h"
#include "model/gguf_model.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

const std::filesystem::path expected_file = POSTTRAIN_SOURCE_DIR "/../shared/fixtures/smollm2/expected.json";

std::filesystem::path model_file() {
  const char* given = std::getenv("POSTTRAIN_SMOLLM2");
  return given != nullptr ? given : POSTTRAIN_SOURCE_DIR "/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
}

TEST(SmolLM2, TensorsWidenToTheKnownValues) {
  if (!std::filesystem::exists(model_file()) || !std::filesystem::exists(expected_file)) GTEST_SKIP() << "no model";
  const MappedFile map(model_file());
  const GgufHeader header = parse_gguf({map.data(), map.size()}, "smollm2");
  EXPECT_EQ(header.tensors.size(), 272u);
  EXPECT_EQ(header.texts("tokenizer.ggml.tokens").size(), 49152u);
  const Json expected = read_json(expected_file).at("gguf_tensor_samples");
  for (const auto& [name, sample] : expected.items()) {
    const GgufTensor* tensor = header.tensor(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(gguf_type_name(tensor->type), sample.at("type")) << name;
    std::vector<float> values(static_cast<size_t>(tensor->size()));
    dequantize(tensor->type, map.data() + tensor->begin, values.size(), values.data());
    double sum = 0, squares = 0;
    for (const float x : values) {
      sum += x;
      squares += static_cast<double>(x) * x;
    }
    EXPECT_NEAR(sum, sample.at("sum").get<double>(), 1e-6 * std::fabs(sum) + 1e-6) << name;
    EXPECT_NEAR(squares, sample.at("sumsq").get<double>(), 1e-6 * squares) << name;
    const auto first = sample.at("first8").get<std::vector<double>>();
    for (size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(values[i], first[i], 1e-7) << name << " " << i;
  }
}

TEST(SmolLM2, LogProbabilitiesLossAndGreedyTokensAgree) {
  if (!std::filesystem::exists(model_file()) || !std::filesystem::exists(expected_file)) GTEST_SKIP() << "no model";
  const auto backend = nn::make_cpu_backend();
  const auto model = Transformer::load(*backend, model_file(), DType::f32, nn::Use::inference);
  EXPECT_EQ(model->parameters(), 134515008);
  for (const Json& prompt : read_json(expected_file).at("prompts")) {
    const auto ids = prompt.at("ids").get<std::vector<int32_t>>();
    const Json& expected = prompt.at("gguf_fp32");
    const auto logp = expected.at("token_logprobs").get<std::vector<double>>();
    const Scores scores = model->score(pack({ids}));
    ASSERT_EQ(scores.logp.size(), logp.size());
    double nll = 0;
    for (size_t i = 0; i < logp.size(); ++i) {
      EXPECT_NEAR(scores.logp[i], logp[i], 1e-3) << prompt.at("name") << " " << i;
      nll -= scores.logp[i] / static_cast<double>(logp.size());
    }
    EXPECT_NEAR(nll, expected.at("mean_nll").get<double>(), 1e-5) << prompt.at("name");
    const auto greedy = prompt.at("greedy32_gguf_fp32").get<std::vector<int32_t>>();
    DirectDecoder decoder(*model, 1, static_cast<int64_t>(ids.size() + greedy.size()));
    std::vector<int32_t> next = ids, tokens;
    while (tokens.size() < greedy.size()) {
      next = decoder.append({next}, {.temperature = 0}, {}).ids;
      tokens.push_back(next[0]);
    }
    EXPECT_EQ(tokens, greedy) << prompt.at("name");
  }
}

}  // namespace
}  // namespace posttrain::model
