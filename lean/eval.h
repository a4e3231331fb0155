// The exact value of closed terms with Lean's conventions: natural subtraction truncates, x / 0 = 0, x % 0 = x, integer
// division rounds so that the remainder is never negative.
#pragma once

#include <optional>

#include "lean/term.h"

namespace posttrain::lean {

// Nothing when the term has a free variable or an operation without a rational value (an irrational root).
// Throws OutOfBudget.
std::optional<Rational> evaluate(const Term& t, Budget& budget);
// The truth of a closed formula: connectives, comparisons, divisibility, primes, and quantifiers over naturals or
// integers whose first hypotheses bound the variable (∀ x, x < 10 → ...). Nothing when it can't tell.
std::optional<bool> decide(const Term& formula, Budget& budget);

}  // namespace posttrain::lean
