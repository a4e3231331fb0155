#include "base/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/file.h"
#include "base/json_strict.h"
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

struct TooDeep {};
struct Twice {
  std::string key;
};

enum class Keys : uint8_t { last_counts, unique };

// The library's own builder, which never recurses, with a limit for all who come after it.
class Builder : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  Builder(Json& into, Keys keys) : json_sax_dom_parser(into), unique_(keys == Keys::unique) {}

  bool start_object(std::size_t elements) {
    enter();
    if (unique_) keys_.emplace_back();
    return json_sax_dom_parser::start_object(elements);
  }
  bool start_array(std::size_t elements) {
    enter();
    return json_sax_dom_parser::start_array(elements);
  }
  bool key(std::string& name) {
    if (unique_ && !keys_.back().insert(name).second) throw Twice{name};
    return json_sax_dom_parser::key(name);
  }
  bool end_object() {
    --depth_;
    if (unique_) keys_.pop_back();
    return json_sax_dom_parser::end_object();
  }
  bool end_array() {
    --depth_;
    return json_sax_dom_parser::end_array();
  }

 private:
  void enter() {
    if (++depth_ > max_json_depth) throw TooDeep();
  }
  int depth_ = 0;
  bool unique_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

Json parse(std::string_view text, bool comments = true, Keys keys = Keys::last_counts) {
  Json out;
  Builder builder(out, keys);
  Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json, true, comments);
  return out;
}

Error too_deep(const std::string& where) {
  return {where, "nested deeper than " + std::to_string(max_json_depth) + " levels"};
}

bool is_within(const Json& value, int levels) {
  if (!value.is_structured()) return true;
  if (levels == 0) return false;
  return std::ranges::all_of(value, [&](const Json& item) { return is_within(item, levels - 1); });
}

std::string write_json(const Json& value, int indent) {
  if (!is_within(value, max_written_json_depth)) throw too_deep("JSON to write");
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
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
  } catch (const TooDeep&) {
    throw too_deep(where);
  }
}

Json parse_strict_json(std::string_view text, const std::string& where) {
  try {
    return parse(text, false, Keys::unique);
  } catch (const Json::parse_error& fault) {
    throw json_error(text, fault.byte, fault, where);
  } catch (const TooDeep&) {
    throw too_deep(where);
  } catch (const Twice& fault) {
    throw Error(where, "every key of an object must be there once, got '" + fault.key + "' twice");
  }
}

std::optional<Json> try_parse_json(std::string_view text) {
  try {
    return parse(text, false);
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const TooDeep&) {
    return std::nullopt;
  }
}

Json parse_json_line(std::string_view line, const std::string& where) {
  try {
    return parse(line);
  } catch (const Json::parse_error& fault) {
    throw Error(where + ":" + std::to_string(place_of(line, fault.byte).column), reason(fault));
  } catch (const TooDeep&) {
    throw too_deep(where);
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
  return write_json(value, -1);
}

std::string to_pretty(const Json& value) {
  return write_json(value, 2);
}

}  // namespace posttrain
