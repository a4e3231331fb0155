// From a normalised answer to tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

enum class Tok : uint8_t {
  end,
  number,
  symbol,
  word,
  text,
  open,
  close,
  bar,
  comma,
  semicolon,
  colon,
  cell,
  row,
  plus,
  minus,
  plus_minus,
  minus_plus,
  times,
  slash,
  mod,
  caret,
  underscore,
  bang,
  percent,
  degree,
  prime,
  relation,
  function,
  frac,
  sqrt,
  binom,
  choose,
  overline,
  accent,
  sum,
  product,
  infinity,
  pi,
  set_union,
  set_intersection,
  set_difference,
  empty_set,
  number_set,
  given,
  currency,
  dots,
  unknown,
};

// Brackets; the closing sign of each has the same name.
enum class Bracket : uint8_t { round, square, curly, angle, group, floor, ceil, matrix, abs };

struct Token {
  Tok type = Tok::end;
  uint8_t op = 0;       // Bracket, Relation, Function
  bool space = false;   // white space stands before
  bool single = false;  // a one-digit number as LaTeX takes it for an argument without braces
  int literal = -1;     // into literals
  std::string_view text;
};

struct Tokens {
  std::vector<Token> list;  // closed by Tok::end
  std::vector<Literal> literals;
};

// The views point into `text`. `text` is normalised; unknown signs become Tok::unknown.
Tokens tokenize(std::string_view text);

}  // namespace posttrain::mathcheck
