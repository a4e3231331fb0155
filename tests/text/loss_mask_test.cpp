// Exactly what the assistant says carries loss, its end token included.
#include "text/loss_mask.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/json.h"
#include "text/char_tokenizer.h"

namespace posttrain {
namespace {

// ChatML over characters: ids 0..2 are <|im_start|>, <|im_end|>, <|endoftext|>.
Tokenizer chatml() {
  CharVocabulary vocabulary;
  for (const char* special : {"<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>"}) {
    vocabulary.tokens.push_back({special, special[1] == '|'});
  }
  for (char c = ' '; c < 127; ++c) vocabulary.tokens.push_back({std::string(1, c), false});
  vocabulary.tokens.push_back({"\n", false});
  vocabulary.eos = 1;
  const auto dir = std::filesystem::temp_directory_path() / "posttrain_chatml";
  std::filesystem::create_directories(dir);
  write_char_tokenizer(vocabulary, dir);
  Tokenizer tokenizer = Tokenizer::load(dir);
  std::filesystem::remove_all(dir);
  return tokenizer;
}

std::string learned(const Tokenizer& tokenizer, const TokenizedExample& example) {
  std::string text;
  for (size_t i = 0; i < example.ids.size(); ++i) {
    if (i > 0 && example.loss[i] && !example.loss[i - 1]) text += "[";
    if (i > 0 && !example.loss[i] && example.loss[i - 1]) text += "]";
    if (example.loss[i]) text += tokenizer.decode(std::vector{example.ids[i]});
  }
  return text;
}

constexpr const char* kChatml =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const char* const kTalk =
    R"([{"role":"user","content":"hi"},{"role":"assistant","content":"yo"},{"role":"user","content":"yo?"},
        {"role":"assistant","content":" yes.\n"}])";

TEST(LossMask, AssistantTurnsWithTheirEndTokenAndNothingElse) {
  const Tokenizer tokenizer = chatml();
  const ChatTemplate chat(kChatml, "t");
  const Json talk = Json::parse(kTalk);
  EXPECT_EQ(learned(tokenizer, tokenize_chat(tokenizer, chat, talk, Json(), Json())),
            "[yo<|im_end|>][ yes.\n<|im_end|>]");
  EXPECT_EQ(learned(tokenizer, tokenize_chat(tokenizer, chat, talk, Json(), Json(), true)), "[ yes.\n<|im_end|>]");
}

TEST(LossMask, GenerationBlocksDecideWhereTheTemplateHasThem) {
  const Tokenizer tokenizer = chatml();
  const ChatTemplate chat(
      "{% for m in messages %}{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }}{% endgeneration %}!"
      "{% else %}U:{{ m.content }}{% endif %}{% endfor %}",
      "t");
  EXPECT_EQ(learned(tokenizer, tokenize_chat(tokenizer, chat, Json::parse(kTalk), Json(), Json())), "[yo][ yes.\n]");
}

TEST(LossMask, AHistoryWithoutItsThinkBlocksIsLearnedAsItIsShown) {
  const Tokenizer tokenizer = chatml();
  const ChatTemplate chat(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n"
      "{% if m.role == 'assistant' and not loop.last %}{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content "
      "}}{% endif %}"
      "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>{% endif %}",
      "t");
  const Json talk = Json::parse(
      R"([{"role":"user","content":"q"},{"role":"assistant","content":"<think>a</think>b"},{"role":"user","content":"r"},
          {"role":"assistant","content":"<think>c</think>d"}])");
  // The template asks with <think>, which is then not the model's own.
  EXPECT_EQ(learned(tokenizer, tokenize_chat(tokenizer, chat, talk, Json(), Json())),
            "[b<|im_end|>][c</think>d<|im_end|>]");
}

}  // namespace
}  // namespace posttrain
