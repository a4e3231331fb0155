// Real tokenizers and chat templates: every recorded case, when the data beside the checkout is there.
#include <gtest/gtest.h>

#include <filesystem>

#include "text/tokenizer.h"
#include "text/tokenizer_cases.h"

namespace posttrain {
namespace {

class TokenizerFixtures : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerFixtures, EncodeDecodeStreamAndChatAgreeWithTheReference) {
  const std::filesystem::path shared = POSTTRAIN_SOURCE_DIR "/../shared";
  const auto dir = shared / "tokenizers" / GetParam();
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no " << dir;
  const Tokenizer tokenizer = Tokenizer::load(dir);
  const CaseReport report =
      check_tokenizer_cases(tokenizer, shared / "fixtures/tokenizers" / (std::string(GetParam()) + ".jsonl"));
  EXPECT_GT(report.cases, 300u);
  EXPECT_EQ(report.failed, 0u);
  for (const CaseFailure& f : report.first_failures) {
    ADD_FAILURE() << "line " << f.line << " " << f.kind << " " << f.field << ": expected " << f.expected << ", got "
                  << f.got;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, TokenizerFixtures,
                         testing::Values("gpt2", "llama3", "qwen2_5", "qwen3", "deepseek_v3"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace posttrain
