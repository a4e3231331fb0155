// Numbers as JSON writes them, compared and divided exactly: 0.3 is a multiple of 0.1, which no two doubles show.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/json.h"

namespace posttrain {

// digits * 10^exponent with the sign; digits is 0 or does not end in 0.
struct Decimal {
  bool negative = false;
  uint64_t digits = 0;
  int exponent = 0;

  // A double means the shortest decimal that reads back as it. Throws Error for what is no finite number.
  static Decimal of(const Json& number);

  bool is_whole() const { return exponent >= 0; }
  bool is_multiple_of(const Decimal& divisor) const;  // whose digits are not 0
  std::string text() const;                           // equal numbers have equal texts

  friend bool operator==(const Decimal&, const Decimal&) = default;
  std::strong_ordering operator<=>(const Decimal& other) const;
};

}  // namespace posttrain
