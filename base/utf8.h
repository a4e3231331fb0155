// UTF-8 without tables: reading, writing and repairing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posttrain {

struct Utf8Step {
  char32_t code;    // U+FFFD when not valid
  uint32_t length;  // bytes taken, >= 1: the character, or one maximal invalid subpart (Unicode 3.9, table 3-8)
  bool valid;
};

// The character at text[at], at < text.size(); never reads past the end.
Utf8Step utf8_at(std::string_view text, size_t at);

void append_utf8(std::string& text, char32_t code);

bool is_valid_utf8(std::string_view text);

// Every maximal invalid subpart becomes one U+FFFD, as Python's errors="replace" and Rust's from_utf8_lossy do it.
std::string repair_utf8(std::string_view text);

// Length by the first byte, for text known to be valid.
inline uint32_t utf8_length(char lead) {
  const auto b = static_cast<unsigned char>(lead);
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

}  // namespace posttrain
