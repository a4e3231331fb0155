// What Split, Replace and their like search for: a string, a regular expression, or a class of characters.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"

namespace posttrain {

using Json = nlohmann::ordered_json;

// Appends the non-overlapping matches in a text, left to right, none empty.
using Pattern = std::function<void(std::string_view text, std::vector<Span>& matches)>;

Pattern literal_pattern(std::string text);
// Known patterns get a hand-written scanner, others PCRE2.
Pattern regex_pattern(const std::string& pattern, const std::string& where);
// Every character for which is(code) holds is a match of its own.
Pattern char_pattern(std::function<bool(char32_t)> is);
// {"String": ...} or {"Regex": ...}
Pattern make_pattern(const Json& config, const std::string& where);

}  // namespace posttrain
