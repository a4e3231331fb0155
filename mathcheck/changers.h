// Words that make a number beside them say something else: "negative", "half of", "or six", 万, 不.
#pragma once

#include <string_view>

namespace posttrain::mathcheck {

// True when the phrase holds a word that changes a value (signs, negations, alternatives, scales, fractions, powers,
// comparisons), or Chinese characters that are neither filler nor a measure word. Words that are read as what they say
// (a number, a unit, a sign) must be tried first.
bool changes_value(std::string_view words);
// True for a phrase that takes back what it stands before: "isn't", "neither", 不是.
bool denies(std::string_view words);
// True for what offers something else besides: "or", "but it could be", 或.
bool hedges(std::string_view words);

// A character of the scripts that are written without blanks: three bytes, from U+3000 on.
bool wide_at(std::string_view text, size_t at);

}  // namespace posttrain::mathcheck
