// Hand-written matchers for the regular expressions that most models' pre-tokenizers use: the same matches as a regular
// expression engine gives, several times faster.
#pragma once

#include <string_view>
#include <vector>

#include "base/regex.h"

namespace posttrain {

// Appends the matches in valid UTF-8 `text`, left to right, none empty.
using Scanner = void (*)(std::string_view text, std::vector<Span>& matches);

// GPT-2's pattern, which the ByteLevel pre-tokenizer applies when use_regex is on.
void scan_gpt2(std::string_view text, std::vector<Span>& matches);

// The scanner for exactly this pattern, or null.
Scanner known_scanner(std::string_view pattern);

}  // namespace posttrain
