// The one door to utf8proc: character classes, normal forms, case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posttrain {

// Classes that pre-tokenizers ask for; a character has any number of them.
enum CharClass : uint8_t {
  kLetter = 1,       // \p{L}
  kNumber = 2,       // \p{N}
  kSpace = 4,        // the property White_Space
  kPunctuation = 8,  // \p{P}
  kSymbol = 16,      // \p{S}
  kMark = 32,        // \p{M}
  kNewline = 64,     // \r or \n
  kWordExtra = 128,  // \w beyond letters, numbers, marks: connector punctuation, joiners
};

uint8_t char_class(char32_t code);

enum class NormalForm { nfc, nfd, nfkc, nfkd };

// `text` must be valid UTF-8. Returns `text` itself when nothing can change, else a view of `buffer`.
std::string_view normal_form(std::string_view text, NormalForm form, std::string& buffer);

std::string lowercase(std::string_view text);
char32_t uppercase(char32_t code);
bool is_decimal_digit(char32_t code);
// \w: alphabetic characters, marks, decimal digits, connector punctuation, joiners.
bool is_word_char(char32_t code);

}  // namespace posttrain
