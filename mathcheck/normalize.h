// Spelling: one string of ASCII and LaTeX from whatever signs the answer was written with.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::mathcheck {

// Answers longer than this are not read.
constexpr size_t max_answer_bytes = 60'000;

// Digits may be grouped where this character stands (LaTeX's \, and thin spaces).
constexpr char thin_space = '\x1f';

// Unicode signs become ASCII or LaTeX commands; maths delimiters, bold marks, spacing and style commands and invisible
// characters go; doubled backslashes are halved where everything is doubled.
std::string normalize(std::string_view answer);

// The answer as words: lower case, no markup, hyphens as spaces, no closing full stop. For comparing texts.
std::string plain_words(std::string_view normalized, bool keep_hyphens = false);

// Without any white space that does not part two letters or digits; equal strings are equal answers.
std::string squeeze(std::string_view normalized);

}  // namespace posttrain::mathcheck
