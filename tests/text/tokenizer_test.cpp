// What holds for every tokenizer: any bytes in, valid text out, no blow-up, errors that name their place.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tests/error_of.h"
#include "text/stream_decoder.h"

namespace posttrain {
namespace {

const std::filesystem::path kTokenizerGoldens = POSTTRAIN_SOURCE_DIR "/tests/goldens/text";

Tokenizer golden(const std::string& name) {
  return Tokenizer::load(kTokenizerGoldens / (name + ".json"));
}

std::string load_error(const std::string& json) {
  return error_of([&] { Tokenizer::from_json(json, "tokenizer.json"); });
}

TEST(Tokenizer, BytesThatAreNotUtf8CountAsReplacementCharacters) {
  const Tokenizer tokenizer = golden("llama3");
  const std::string bad = "a\xFF\xC3(\xE2\x82\xF0\x9F\x98z\xED\xA0\x80";
  EXPECT_EQ(repair_utf8(bad), "a\uFFFD\uFFFD(\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(tokenizer.encode(bad), tokenizer.encode(repair_utf8(bad)));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(bad)), repair_utf8(bad));
}

TEST(Tokenizer, ALongRunOfOneCharacterTakesNoTime) {
  for (const char* name : {"gpt2", "llama3", "llama2", "unigram", "o200k"}) {
    const Tokenizer tokenizer = golden(name);
    for (const std::string& unit : {std::string("a"), std::string(" "), std::string("\n"), std::string("\u4F60")}) {
      std::string text;
      while (text.size() < (1 << 18)) text += unit;
      const auto start = std::clock();  // of the processor: others may be busy
      EXPECT_LE(tokenizer.encode(text).size(), text.size() + 1) << name;
      EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC) << name;
    }
  }
}

TEST(Tokenizer, ThreadsShareOneTokenizer) {
  const Tokenizer tokenizer = golden("gpt2");
  const std::string text = "The quick brown fox doesn't jump; it'll rest. def f(x): return x ** 2";
  const auto expected = tokenizer.encode(text);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) wrong += tokenizer.encode(text) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Tokenizer, StreamedChunksJoinToTheDecodedText) {
  for (const char* name : {"gpt2", "qwen"}) {
    const Tokenizer tokenizer = golden(name);
    const std::string text = "caf\u00E9 \u4F60\u597D \U0001F9D1\u200D\U0001F680 end";
    StreamDecoder stream(tokenizer, false);
    std::string joined;
    for (const int32_t id : tokenizer.encode(text)) joined += stream.push(id).value_or("");
    EXPECT_EQ(joined, text) << name;
  }
}

TEST(Tokenizer, UnknownPartsAreErrorsThatNameThePath) {
  const std::string model = R"("model":{"type":"BPE","vocab":{"a":0},"merges":[]})";
  EXPECT_NE(
      load_error("{" + model + R"(,"normalizer":{"type":"Magic"}})").find("tokenizer.json: normalizer: type: expected"),
      std::string::npos);
  EXPECT_NE(load_error("{" + model + R"(,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"X"}]}})")
                .find("pre_tokenizer.pretokenizers[0]: type"),
            std::string::npos);
  EXPECT_NE(load_error("{" + model + R"(,"decoder":{"type":"CTC"}})").find("decoder: type"), std::string::npos);
  EXPECT_NE(load_error("{" + model + R"(,"post_processor":{"type":"X"}})").find("post_processor: type"),
            std::string::npos);
  EXPECT_NE(load_error(R"({"model":{"type":"WordPiece","vocab":{}}})").find("model: type: expected BPE"),
            std::string::npos);
  EXPECT_NE(load_error(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}})").find("merges[0]"),
            std::string::npos);
  EXPECT_NE(
      load_error("{" + model + R"(,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}})")
          .find("pre_tokenizer.pattern.Regex"),
      std::string::npos);
}

TEST(Tokenizer, HostileFilesAreErrors) {
  EXPECT_NE(load_error("{\n  \"model\": tru").find("tokenizer.json:2:"), std::string::npos);
  EXPECT_NE(load_error(R"({"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}})").find("id of 'a'"),
            std::string::npos);
  EXPECT_NE(load_error(R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})").find("id of 'a'"),
            std::string::npos);
  EXPECT_NE(load_error(std::string(100000, '[')).find("64 levels"), std::string::npos);
  EXPECT_NE(load_error("[]").find("a JSON object"), std::string::npos);
  EXPECT_NE(load_error(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}})").find("model.merges"),
            std::string::npos);
  EXPECT_NE(load_error("").find("not valid JSON"), std::string::npos);
}

TEST(Tokenizer, IdsOutsideTheVocabularyAreLeftOut) {
  const Tokenizer tokenizer = golden("gpt2");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{-5, 1 << 30}), "");
  EXPECT_EQ(tokenizer.token(1 << 30), "");
}

}  // namespace
}  // namespace posttrain
