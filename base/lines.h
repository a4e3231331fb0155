// The lines of a text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace posttrain {

// Calls fn(line, number) for each line without its '\n', numbers from 1. What follows the last '\n' is a line unless
// it is empty.
template <class Fn>
void for_each_line(std::string_view text, const Fn& fn) {
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    fn(text.substr(at, end - at), ++number);
    at = end + 1;
  }
}

constexpr bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace posttrain
