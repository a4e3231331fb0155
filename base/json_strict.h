// JSON from strangers, and the one limit on depth of all JSON that is read or written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace posttrain {

// What is nested deeper is refused before it is built, here and in json.h: the library, and most code that walks a
// value, recurse, and a text of brackets would end the program. Writers take a few levels more, since what was read is
// often wrapped.
constexpr int max_json_depth = 256, max_written_json_depth = max_json_depth + 32;

// Nothing when it is not valid or too deep: for what a model wrote. Comments are not allowed.
std::optional<Json> try_parse_json(std::string_view text);
// Throws Error naming `where`, also for an object that names a key twice, at whatever depth, and for comments.
Json parse_strict_json(std::string_view text, const std::string& where);

}  // namespace posttrain
