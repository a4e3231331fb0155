// Lean source as tokens: comments (which nest) and strings are told apart before anything else looks at the text.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain::lean {

// Lines count from 1, columns from 0, both as Lean's messages do (columns in code points).
struct Place {
  int line = 1, column = 0;
};

struct Token {
  enum class Kind : uint8_t { word, number, symbol, string, end };
  Kind kind = Kind::end;
  std::string text;  // ASCII spellings such as -> are given as their symbol
  Place place;
  size_t offset = 0;           // of the first byte
  bool first_in_line = false;  // nothing but blanks before it
  bool after_space = false;    // a blank, a comment or a line's start before it
  bool is(std::string_view symbol) const { return kind != Kind::string && kind != Kind::end && text == symbol; }
};

class SyntaxError : public std::runtime_error {
 public:
  SyntaxError(const std::string& what, Place where) : std::runtime_error(what), place(where) {}
  const Place place;
};

// Ends with an end token. Throws SyntaxError for an unclosed comment or string, invalid UTF-8, control characters and
// more than max_source bytes.
std::vector<Token> lex(std::string_view source);
inline constexpr size_t max_source = 1 << 16;

}  // namespace posttrain::lean
