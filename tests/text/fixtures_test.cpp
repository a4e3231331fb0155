// Real tokenizers and chat templates: every recorded case, when the data beside the checkout is there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "parity/tokenizer_cases.h"
#include "text/tokenizer.h"

namespace posttrain {
namespace {

// The real model's GGUF file (scripts/get-smollm2).
std::filesystem::path smollm2() {
  const char* given = std::getenv("POSTTRAIN_SMOLLM2");
  return given != nullptr ? given : POSTTRAIN_SOURCE_DIR "/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
}

class TokenizerFixtures : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerFixtures, EncodeDecodeStreamAndChatAgreeWithTheReference) {
  const std::filesystem::path shared = POSTTRAIN_SOURCE_DIR "/../shared";
  const bool in_gguf = GetParam() == std::string("smollm2");
  const auto from = in_gguf ? smollm2() : shared / "tokenizers" / GetParam();
  if (!std::filesystem::exists(from) || !std::filesystem::exists(shared)) GTEST_SKIP() << "no " << from;
  const Tokenizer tokenizer = Tokenizer::load(from);
  const TokenizerReport report =
      check_tokenizer_cases(tokenizer, shared / "fixtures/tokenizers" / (std::string(GetParam()) + ".jsonl"));
  EXPECT_GT(report.cases, 300u);
  EXPECT_EQ(report.failed, 0u);
  for (const CaseFailure& f : report.first_failures) {
    ADD_FAILURE() << "line " << f.line << " " << f.kind << " " << f.field << ": expected " << f.expected << ", got "
                  << f.got;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, TokenizerFixtures,
                         testing::Values("gpt2", "llama3", "qwen2_5", "qwen3", "deepseek_v3", "smollm2"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace posttrain
