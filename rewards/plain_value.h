// JSON values with integers of any size: what function tests pass in and expect back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain::rewards {

struct PlainField;

struct PlainValue {
  enum class Kind : uint8_t { null, boolean, integer, number, text, list, dict };
  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;               // number, and the nearest double of an integer
  std::string text;                // text: UTF-8; integer: its digits, "-0" as "0"
  std::vector<PlainValue> items;   // list
  std::vector<PlainField> fields;  // dict, in order

  // The field of a dict, or null.
  const PlainValue* find(std::string_view name) const;
};

struct PlainField {
  std::string name;
  PlainValue value;
};

// Parses a whole JSON text (NaN, Infinity and -Infinity are numbers too). Throws Error naming `where`.
PlainValue parse_value(std::string_view json, const std::string& where);
std::string to_json(const PlainValue& value);

enum class Match : uint8_t { malformed, different, equal };

// Compares the JSON text of an untrusted result with the expected value, without building it: null and booleans only
// equal themselves, integers are exact, if either side is a float then |got - want| <= 1e-9 max(1, |want|), strings by
// bytes of their UTF-8, lists by length and elements, dicts by keys and values. Deeper than 100 levels is malformed.
Match match_value(std::string_view json, const PlainValue& want);
// Whether the text is one JSON value.
bool is_value(std::string_view json);

}  // namespace posttrain::rewards
