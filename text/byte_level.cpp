#include "text/byte_level.h"

#include <array>

#include "base/utf8.h"

namespace posttrain {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> chars{};
  std::array<int16_t, 0x144> bytes{};  // the largest character is U+0143
  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;  // the other bytes take U+0100, U+0101, ... in order
    for (int b = 0; b < 256; ++b) {
      const auto index = static_cast<size_t>(b);
      chars[index] = stands_for_itself(b) ? static_cast<char32_t>(b) : next++;
      bytes[chars[index]] = static_cast<int16_t>(b);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet table;
  return table;
}

}  // namespace

char32_t byte_to_char(unsigned char byte) {
  return alphabet().chars[byte];
}

std::optional<unsigned char> char_to_byte(char32_t code) {
  const auto& bytes = alphabet().bytes;
  if (code >= bytes.size() || bytes[code] < 0) return std::nullopt;
  return static_cast<unsigned char>(bytes[code]);
}

std::string bytes_to_chars(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char b : bytes) append_utf8(out, byte_to_char(static_cast<unsigned char>(b)));
  return out;
}

std::optional<std::string> chars_to_bytes(std::string_view chars) {
  std::string out;
  out.reserve(chars.size());
  for (size_t at = 0; at < chars.size();) {
    const Utf8Step step = utf8_at(chars, at);
    const auto byte = char_to_byte(step.code);
    if (!step.valid || !byte) return std::nullopt;
    out += static_cast<char>(*byte);
    at += step.length;
  }
  return out;
}

}  // namespace posttrain
