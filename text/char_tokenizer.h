// Tokenizers with one token per character, written as a Hugging Face tokenizer: for tasks made from nothing.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain {

using Json = nlohmann::ordered_json;

// The id of a token is its place in `tokens`. A token of one character is that character; a longer one is found whole
// in the text wherever it stands. Every id decodes to its token and its token encodes to it.
struct CharVocabulary {
  struct Token {
    std::string text;
    bool special = false;  // left out by decode(skip_special)
  };
  std::vector<Token> tokens;
  // Places of tokens.
  std::optional<size_t> bos, eos, pad;
  // A character that is no token becomes this one, or is dropped.
  std::optional<size_t> unk;
};

// tokenizer.json for transformers' PreTrainedTokenizerFast and for Tokenizer. Throws Error for an empty or repeated
// token.
Json char_tokenizer_json(const CharVocabulary& vocabulary);
Json char_tokenizer_config(const CharVocabulary& vocabulary);

// Writes tokenizer.json and tokenizer_config.json into `dir`, which exists.
void write_char_tokenizer(const CharVocabulary& vocabulary, const std::filesystem::path& dir);

// <pad> <bos> <eos>, then `special` (never split; rewards see them), then one token for each character of the UTF-8
// text `chars`; other characters are dropped. A special token named as one of the three is that one.
CharVocabulary chars_vocabulary(std::string_view chars, const std::vector<std::string>& special);

// The 64 ids of the chain task: <pad> <bos> <eos> <think> </think> <answer> </answer> " wait, ", then one per
// character: # 0-9 + - * = ; , . space a-z > ( ) | & ! / : and unused ids up to 63. Pad, bos and eos are special; tags
// are not, so rewards see them.
CharVocabulary chain_vocabulary();

}  // namespace posttrain
