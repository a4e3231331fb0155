// Values as text: str(), repr() and json.dumps() as Python writes them.
#pragma once

#include <string>

#include "jinja/value.h"

namespace posttrain::jinja {

std::string to_str(const Value& value);
std::string to_repr(const Value& value);

struct JsonStyle {
  bool ensure_ascii = false;
  int indent = -1;  // -1: one line
  std::string item_separator = ", ", key_separator = ": ";
  bool sort_keys = false;
};
// Throws Fault for what JSON has no form for.
std::string to_json(const Value& value, const JsonStyle& style);

}  // namespace posttrain::jinja
