#include "base/json.h"

#include <algorithm>

#include "base/file.h"
#include "base/lines.h"

namespace posttrain {
namespace {

struct TextPlace {
  size_t line = 1, column = 1;
};

// `byte` counts from 1, as the library does.
TextPlace place_of(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const size_t newline = before.rfind('\n');
  return {.line = static_cast<size_t>(std::ranges::count(before, '\n')) + 1,
          .column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1};
}

// The library's text behind its own name and place of the fault.
std::string reason(const std::exception& fault) {
  const std::string what = fault.what();
  const size_t colon = what.find(": ", std::min(what.find("column "), what.size()));
  return "not valid JSON: " + (colon == std::string::npos ? what : what.substr(colon + 2));
}

Json parse(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, true, true);
}

}  // namespace

Error json_error(std::string_view text, size_t byte, const std::exception& fault, const std::string& where) {
  const TextPlace place = place_of(text, byte);
  return {where + ":" + std::to_string(place.line) + ":" + std::to_string(place.column), reason(fault)};
}

Json parse_json(std::string_view text, const std::string& where) {
  try {
    return parse(text);
  } catch (const Json::parse_error& fault) {
    throw json_error(text, fault.byte, fault, where);
  }
}

Json parse_json_line(std::string_view line, const std::string& where) {
  try {
    return parse(line);
  } catch (const Json::parse_error& fault) {
    throw Error(where + ":" + std::to_string(place_of(line, fault.byte).column), reason(fault));
  }
}

Json read_json(const std::filesystem::path& file) {
  return parse_json(read_file(file), file.string());
}

void read_json_lines(const std::filesystem::path& file,
                     const std::function<void(Json&& value, const std::string& where)>& each) {
  for_each_line(read_file(file), [&](std::string_view line, size_t number) {
    if (is_blank(line)) return;
    const std::string where = file.string() + ":" + std::to_string(number);
    each(parse_json_line(line, where), where);
  });
}

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace posttrain
