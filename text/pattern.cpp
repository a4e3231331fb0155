#include "text/pattern.h"

#include <utility>

#include "base/utf8.h"
#include "text/config_fields.h"
#include "text/scanners.h"

namespace posttrain {

Pattern literal_pattern(std::string needle) {
  return [needle = std::move(needle)](std::string_view text, std::vector<Span>& matches) {
    if (needle.empty()) return;
    for (size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + needle.size())) {
      matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + needle.size())});
    }
  };
}

Pattern regex_pattern(const std::string& pattern, const std::string& where) {
  if (const Scanner scanner = known_scanner(pattern)) return scanner;
  auto regex = std::make_shared<const Regex>(pattern, where);
  return [regex](std::string_view text, std::vector<Span>& matches) { regex->find_all(text, matches); };
}

Pattern char_pattern(std::function<bool(char32_t)> is) {
  return [is = std::move(is)](std::string_view text, std::vector<Span>& matches) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Step step = utf8_at(text, at);
      const size_t end = at + step.length;
      if (is(step.code)) matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
      at = end;
    }
  };
}

Pattern make_pattern(const Json& config, const std::string& where) {
  if (config.is_object() && config.contains("String")) return literal_pattern(string_field(config, "String", where));
  if (config.is_object() && config.contains("Regex")) {
    return regex_pattern(string_field(config, "Regex", where), where + ".Regex");
  }
  throw Error(where, "", "{\"String\": ...} or {\"Regex\": ...}", to_line(config).substr(0, 80));
}

}  // namespace posttrain
