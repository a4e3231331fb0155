// Units of measure: what they measure and how they convert.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "mathcheck/number.h"

namespace posttrain::mathcheck {

enum class Dimension : uint8_t {
  length,
  mass,
  time,
  calendar,
  angle,
  money,
  temperature,
  charge,
  amount,
  information,
  noon,
  count
};

struct Unit {
  std::array<int8_t, static_cast<size_t>(Dimension::count)> powers{};
  Rational factor{1};  // of the base unit: metre, gram, second, degree, dollar, ...
  std::string noun;    // a thing counted ("apple"), or a money or temperature scale that does not convert

  bool converts_to(const Unit& other) const { return powers == other.powers; }
};

// "cm^2", "m/s", "miles per hour", "square feet", "dollars"; nothing when a word is no unit.
std::optional<Unit> parse_unit(std::string_view words);
// A unit for things counted: "apples left" in the singular.
Unit noun_unit(std::string_view words);
// The clock's half days: 0 for a.m., 1 for p.m.
Unit noon_unit(bool afternoon);
bool is_noon(const Unit& unit);
// True when both count the same things, or at least one shared word.
bool same_noun(const Unit& a, const Unit& b);

}  // namespace posttrain::mathcheck
