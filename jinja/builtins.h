// What a template finds ready: functions, filters, tests, methods. Each is one line in a table.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/renderer.h"

namespace posttrain::jinja {

struct Builtin {
  std::string_view name;
  Value (*apply)(Renderer& renderer, const Value& input, Args& args);
};

// range, namespace, dict, raise_exception, strftime_now.
std::vector<std::pair<std::string, Value>> global_functions();

// Null when there is none of that name.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
// Methods of text, lists and dicts by the kind of `of`.
const Builtin* find_method(const Value& of, std::string_view name);

// ---- tables, one file each
const Builtin* find_text_filter(std::string_view name);
const Builtin* find_list_filter(std::string_view name);

// foo.bar[0] as filters' attribute= has it: "bar.0" walks attributes and indices.
Value walk_attribute(Renderer& renderer, const Value& of, const Value& path);
Value call_filter(Renderer& renderer, const std::string& name, const Value& input, Args& args);
bool call_test(Renderer& renderer, const std::string& name, const Value& input, Args& args);

// Python's str methods that filters share.
std::string strip(std::string_view text, const Value* characters, bool left, bool right);
std::string replace_all(Renderer& renderer, const std::string& text, const std::string& from, const std::string& to,
                        int64_t limit);
std::string to_upper(std::string_view text);
std::string to_title(std::string_view text);
std::string capitalized(std::string_view text);
size_t count_chars(std::string_view text);
// A width or count that a template asked for, 0..100000. Throws Fault otherwise.
size_t checked_width(const Value& value);

}  // namespace posttrain::jinja
