#include "text/char_tokenizer.h"

#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

namespace posttrain {
namespace {

bool is_one_char(const std::string& text) {
  return utf8_at(text, 0).length == text.size();
}

void check(const CharVocabulary& vocabulary) {
  std::set<std::string> seen;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& text = vocabulary.tokens[id].text;
    const std::string field = "tokens[" + std::to_string(id) + "]";
    if (text.empty() || !is_valid_utf8(text))
      throw Error("char vocabulary", field, "some UTF-8 text", "'" + text + "'");
    if (!seen.insert(text).second) throw Error("char vocabulary", field, "a token once", "'" + text + "' again");
  }
  for (const auto& place : {vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unk}) {
    PT_ASSERT(!place || *place < vocabulary.tokens.size(), *place, vocabulary.tokens.size());
  }
}

}  // namespace

Json char_tokenizer_json(const CharVocabulary& vocabulary) {
  check(vocabulary);
  // A BPE model without merges: each character is looked up by itself. Longer tokens are found before it, as added
  // ones.
  Json vocab = Json::object(), added = Json::array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const auto& token = vocabulary.tokens[id];
    vocab[token.text] = id;
    if (is_one_char(token.text) && !token.special) continue;
    added.push_back({{"id", id},
                     {"content", token.text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", token.special}});
  }
  Json post;
  if (vocabulary.bos) {
    const std::string& bos = vocabulary.tokens[*vocabulary.bos].text;
    const Json single = {{{"SpecialToken", {{"id", bos}, {"type_id", 0}}}},
                         {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}};
    post = {{"type", "TemplateProcessing"},
            {"single", single},
            {"pair", single},
            {"special_tokens",
             {{bos, {{"id", bos}, {"ids", Json::array({*vocabulary.bos})}, {"tokens", Json::array({bos})}}}}}};
  }
  Json unk;
  if (vocabulary.unk) unk = vocabulary.tokens[*vocabulary.unk].text;
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", nullptr},
          {"post_processor", post},
          {"decoder", {{"type", "Fuse"}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", unk},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocab},
            {"merges", Json::array()}}}};
}

Json char_tokenizer_config(const CharVocabulary& vocabulary) {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"model_max_length", 1'000'000}};
  const auto name = [&](const char* field, const std::optional<size_t>& place) {
    if (place) config[field] = vocabulary.tokens[*place].text;
  };
  name("bos_token", vocabulary.bos);
  name("eos_token", vocabulary.eos);
  name("pad_token", vocabulary.pad);
  name("unk_token", vocabulary.unk);
  return config;
}

void write_char_tokenizer(const CharVocabulary& vocabulary, const std::filesystem::path& dir) {
  write_file_atomically(dir / "tokenizer.json", to_pretty(char_tokenizer_json(vocabulary)) + "\n");
  write_file_atomically(dir / "tokenizer_config.json", to_pretty(char_tokenizer_config(vocabulary)) + "\n");
}

CharVocabulary chars_vocabulary(std::string_view chars, const std::vector<std::string>& special) {
  CharVocabulary vocabulary;
  for (const char* one : {"<pad>", "<bos>", "<eos>"}) vocabulary.tokens.push_back({one, true});
  const std::set<std::string> known = {"<pad>", "<bos>", "<eos>"};
  for (const std::string& tag : special) {
    if (!known.contains(tag)) vocabulary.tokens.push_back({tag, false});
  }
  for (size_t at = 0; at < chars.size();) {
    const size_t length = utf8_at(chars, at).length;
    vocabulary.tokens.push_back({std::string(chars.substr(at, length)), false});
    at += length;
  }
  // A reward model's head takes the last two ids, which no text may use.
  for (const char* one : {"<unused0>", "<unused1>"}) vocabulary.tokens.push_back({one, false});
  vocabulary.pad = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  return vocabulary;
}

CharVocabulary chain_vocabulary() {
  CharVocabulary vocabulary;
  for (const char* special : {"<pad>", "<bos>", "<eos>"}) vocabulary.tokens.push_back({special, true});
  for (const char* tag : {"<think>", "</think>", "<answer>", "</answer>", " wait, "}) {
    vocabulary.tokens.push_back({tag, false});
  }
  for (const char c : std::string_view("#0123456789+-*=;,. abcdefghijklmnopqrstuvwxyz>()|&!/:")) {
    vocabulary.tokens.push_back({std::string(1, c), false});
  }
  for (int i = 0; vocabulary.tokens.size() < 64; ++i)
    vocabulary.tokens.push_back({"<unused" + std::to_string(i) + ">", false});
  vocabulary.pad = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  return vocabulary;
}

}  // namespace posttrain
