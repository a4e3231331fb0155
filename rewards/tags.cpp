#include "rewards/tags.h"

namespace posttrain::rewards {

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

std::optional<std::string_view> first_inside(std::string_view text, const TagPair& tag) {
  const size_t open = text.find(tag.open);
  if (open == std::string_view::npos) return std::nullopt;
  const size_t begin = open + tag.open.size();
  const size_t close = text.find(tag.close, begin);
  if (close == std::string_view::npos) return std::nullopt;
  return text.substr(begin, close - begin);
}

int count_of(std::string_view text, std::string_view tag) {
  int count = 0;
  if (tag.empty()) return count;
  for (size_t at = text.find(tag); at != std::string_view::npos; at = text.find(tag, at + tag.size())) ++count;
  return count;
}

}  // namespace posttrain::rewards
