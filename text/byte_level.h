// GPT-2's byte alphabet: each byte stands as one printable character in the vocabulary, e.g. a space as U+0120.
// Source: Radford et al. 2019, section 2.2; the map itself is the one of the published encoder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posttrain {

char32_t byte_to_char(unsigned char byte);
std::optional<unsigned char> char_to_byte(char32_t code);

std::string bytes_to_chars(std::string_view bytes);
// Nothing when `chars` holds a character outside the alphabet.
std::optional<std::string> chars_to_bytes(std::string_view chars);

}  // namespace posttrain
