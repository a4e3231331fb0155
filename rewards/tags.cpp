#include "rewards/tags.h"

#include "base/unicode.h"
#include "base/utf8.h"

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

std::optional<std::string_view> last_inside(std::string_view text, const TagPair& tag) {
  const size_t close = text.rfind(tag.close);
  if (close == std::string_view::npos) return std::nullopt;
  const size_t open = text.substr(0, close).rfind(tag.open);
  if (open == std::string_view::npos) return std::nullopt;
  const size_t begin = open + tag.open.size();
  return text.substr(begin, close - begin);
}

bool is_blank(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    at += step.length;
    const bool shows = char_class(step.code) &
                       (CharClass::kLetter | CharClass::kNumber | CharClass::kPunctuation | CharClass::kSymbol);
    if (shows && step.valid) return false;
  }
  return true;
}

int count_of(std::string_view text, std::string_view tag) {
  int count = 0;
  if (tag.empty()) return count;
  for (size_t at = text.find(tag); at != std::string_view::npos; at = text.find(tag, at + tag.size())) ++count;
  return count;
}

}  // namespace posttrain::rewards
