// The commands of LaTeX that mean something in an answer. Private to the lexer.
#pragma once

#include <string_view>

#include "mathcheck/lexer.h"

namespace posttrain::mathcheck {

// What a token's `op` holds, of whatever kind.
template <class E>
constexpr uint8_t code(E e) {
  return static_cast<uint8_t>(e);
}

struct Command {
  std::string_view name;
  Tok type;
  uint8_t op = 0;
};

// Null when there is no such command.
const Command* find_command(std::string_view name);
// True for words that are commands without a backslash.
bool is_bare_command(std::string_view word);

}  // namespace posttrain::mathcheck
