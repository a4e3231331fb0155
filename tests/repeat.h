// Shared by the tests of long and deep inputs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posttrain {

// `text`, `count` times.
inline std::string repeat(std::string_view text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace posttrain
