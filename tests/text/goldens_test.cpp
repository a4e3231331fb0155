// Small tokenizers of every kind and small templates against the reference implementations: tests/goldens/text, made by
// make_goldens.py there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/json.h"
#include "parity/tokenizer_cases.h"
#include "text/chat.h"
#include "text/tokenizer.h"

namespace posttrain {
namespace {

const std::filesystem::path kGoldens = POSTTRAIN_SOURCE_DIR "/tests/goldens/text";

class TokenizerGoldens : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerGoldens, EveryCaseAgreesWithTheTokenizersLibrary) {
  const std::string name = GetParam();
  const Tokenizer tokenizer = Tokenizer::load(kGoldens / (name + ".json"));
  const TokenizerReport report = check_tokenizer_cases(tokenizer, kGoldens / (name + ".jsonl"));
  EXPECT_GT(report.cases, 60u);
  EXPECT_EQ(report.failed, 0u);
  for (const CaseFailure& f : report.first_failures) {
    ADD_FAILURE() << name << ".jsonl:" << f.line << " " << f.kind << " " << f.field << ": expected " << f.expected
                  << ", got " << f.got;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerGoldens,
                         testing::Values("gpt2", "llama3", "qwen", "o200k", "removed_inverted", "digits", "punctuation",
                                         "prefix_space", "llama2", "metaspace", "unigram", "words"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(TemplateGoldens, EveryTemplateAgreesWithJinja) {
  const Json conversation = read_json(kGoldens / "conversation.json");
  std::ifstream in(kGoldens / "templates.jsonl");
  std::string line;
  int number = 0;
  while (std::getline(in, line)) {
    const Json row = parse_json(line, "templates.jsonl");
    const std::string source = row["template"].get<std::string>();
    SCOPED_TRACE("templates.jsonl:" + std::to_string(++number) + " " + source.substr(0, 200));
    try {
      const std::string text =
          ChatTemplate(source, "t").render(conversation["messages"], conversation["tools"], row["kwargs"]).text;
      ASSERT_FALSE(row.contains("error")) << "no error but: " << text;
      EXPECT_EQ(text, row["text"].get<std::string>());
    } catch (const Error& error) {
      EXPECT_TRUE(row.contains("error")) << error.what();
      EXPECT_EQ(std::string(error.what()).substr(0, 2), "t:") << "an error names line and column";
    }
  }
  EXPECT_GT(number, 40);
}

}  // namespace
}  // namespace posttrain
