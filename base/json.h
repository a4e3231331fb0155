// The one door to the JSON library. Json keeps the order of keys, so what is written is stable.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace posttrain {

using Json = nlohmann::ordered_json;

// Parses a whole text or file; throws Error naming `where` (or the file) with line and column.
Json parse_json(std::string_view text, const std::string& where);
Json read_json(const std::filesystem::path& file);

// The same for one line of many: `where` already names it, so only the column is added.
Json parse_json_line(std::string_view line, const std::string& where);
// What parse_json throws when the library finds `fault` at `byte`, which counts from 1.
Error json_error(std::string_view text, size_t byte, const std::exception& fault, const std::string& where);

// Calls each(value, "<file>:<line>") for every line that is not blank. Throws Error naming file and line.
void read_json_lines(const std::filesystem::path& file,
                     const std::function<void(Json&& value, const std::string& where)>& each);

// One line, UTF-8 as it is; invalid UTF-8 in strings becomes U+FFFD instead of throwing.
std::string to_line(const Json& value);
// Indented by two, for people.
std::string to_pretty(const Json& value);

}  // namespace posttrain
