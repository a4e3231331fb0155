// Numbers as they are written.
#pragma once

#include <optional>
#include <string_view>

#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

// The number at the start of `text` and its length in bytes: grouped digits (10,000 only where `comma_groups`), a
// decimal part, a repeating block (0.\overline{3}, 0.(3), 0.333...), an exponent (1.5e3), a base (1011_2, 2A_{16}),
// a mixed number (7 3/4). Nothing when the digits make no number, such as 9_8.
std::optional<Literal> read_literal(std::string_view text, bool comma_groups, size_t& length);
// Decimal digits only.
Literal plain_literal(std::string_view digits);
// Length of a numeral with letters whose base follows, such as the 3F of 3F_{16}; 0 when there is none.
size_t based_numeral_length(std::string_view text);
// The value of decimal digits read in another base (2..36).
std::optional<Rational> reread_in_base(const Rational& decimal, int base);

}  // namespace posttrain::mathcheck
