// Cuts a template's source into text and tokens, with Jinja's white space control (trim_blocks and lstrip_blocks on).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"

namespace posttrain::jinja {

struct Token {
  enum class Kind { text, output_begin, output_end, block_begin, block_end, name, string, integer, number, sign, end };
  Kind kind;
  std::string text;  // a string's with its escapes resolved
  Place place;
};

// Throws Error("<where>:<line>:<column>", ...) for text that is no template.
std::vector<Token> tokenize_template(std::string_view source, const std::string& where);

// "<where>:<line>:<column>"
std::string place_text(const std::string& where, const Place& place);

}  // namespace posttrain::jinja
