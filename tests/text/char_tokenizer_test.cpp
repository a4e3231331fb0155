// A char-level vocabulary round-trips every id, through the file that transformers reads.
#include "text/char_tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace posttrain {
namespace {

Tokenizer chain_tokenizer() {
  return Tokenizer::from_json(to_line(char_tokenizer_json(chain_vocabulary())), "chain");
}

TEST(CharTokenizer, EveryIdRoundTripsUnusedOnesIncluded) {
  const Tokenizer tokenizer = chain_tokenizer();
  ASSERT_EQ(tokenizer.vocab_size(), 64);
  for (int32_t id = 0; id < 64; ++id) {
    const std::string text = tokenizer.decode(std::vector{id});
    EXPECT_FALSE(text.empty()) << id;
    EXPECT_EQ(tokenizer.encode(text), std::vector{id}) << text;
    EXPECT_EQ(tokenizer.token_to_id(tokenizer.token(id)), id);
  }
}

TEST(CharTokenizer, AResponseIsItsTagsAndCharacters) {
  const Tokenizer tokenizer = chain_tokenizer();
  const std::string text = "7+5=<think>7+5=3 wait, 7+5=2</think><answer>2</answer><eos>";
  const auto ids = tokenizer.encode(text);
  const std::vector<int32_t> expected = {16, 19, 14, 22, 3, 16, 19, 14, 22, 12, 7, 16, 19, 14, 22, 11, 4, 5, 11, 6, 2};
  EXPECT_EQ(ids, expected);
  EXPECT_EQ(tokenizer.decode(ids), text);
}

TEST(CharTokenizer, SkipSpecialDropsEosButKeepsTheTagsThatRewardsRead) {
  const Tokenizer tokenizer = chain_tokenizer();
  const auto ids = tokenizer.encode("<bos><think></think><answer>8</answer><eos><pad>");
  EXPECT_EQ(tokenizer.decode(ids, true), "<think></think><answer>8</answer>");
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_FALSE(tokenizer.is_special(3));
}

TEST(CharTokenizer, ADirectoryGivesTheSpecialIds) {
  const auto dir = std::filesystem::temp_directory_path() / "posttrain_char_tokenizer";
  std::filesystem::create_directories(dir);
  write_char_tokenizer(chain_vocabulary(), dir);
  const Tokenizer tokenizer = Tokenizer::load(dir);
  EXPECT_EQ(tokenizer.pad_id(), 0);
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 2);
  EXPECT_EQ(tokenizer.stop_ids(), std::vector{2});
  EXPECT_EQ(tokenizer.special_text("eos_token"), "<eos>");
  std::filesystem::remove_all(dir);
}

TEST(CharTokenizer, UnknownCharactersAreDroppedOrBecomeUnk) {
  EXPECT_EQ(chain_tokenizer().encode("7A7"), (std::vector{16, 16}));
  CharVocabulary with_unk = chain_vocabulary();
  with_unk.unk = 63;
  const Tokenizer tokenizer = Tokenizer::from_json(to_line(char_tokenizer_json(with_unk)), "chain");
  EXPECT_EQ(tokenizer.encode("7A\xC3\xA9"), (std::vector{16, 63, 63}));
}

TEST(CharTokenizer, ATokenTwiceIsAnError) {
  CharVocabulary twice = chain_vocabulary();
  twice.tokens[5].text = "a";
  EXPECT_THROW(char_tokenizer_json(twice), Error);
}

TEST(StreamDecoder, EmitsEachTokenOfACharLevelResponse) {
  StreamDecoder stream(chain_tokenizer());
  EXPECT_EQ(stream.push(16), "7");
  EXPECT_EQ(stream.push(7), " wait, ");
  EXPECT_EQ(stream.push(2), std::nullopt) << "a special token has no text";
  EXPECT_EQ(stream.push(16), "7");
}

}  // namespace
}  // namespace posttrain
