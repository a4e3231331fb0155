// In which form an answer may be given: copying the question's own formula is equal to the answer, and no answer.
#pragma once

#include <array>
#include <cstdint>

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

enum class Form : uint8_t {
  any,        // whatever is equal
  evaluated,  // worked out: a numeral for a numeral, no sums, binomials or factorials that the gold answer does not
              // have
  as_gold,    // and of the gold answer's own shape: a product for a product, an expanded sum for an expanded sum
};
constexpr auto enum_names(Form) {
  return std::to_array({"any", "evaluated", "as_gold"});
}

// Whether `pred`, which is equal to `gold`, is given in the form. A name before it (x = ...) does not count.
bool fits_form(Case& c, int gold, int pred, Form form);

}  // namespace posttrain::mathcheck
