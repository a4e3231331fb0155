// Whether two formulas or numbers are equal as mathematics.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "mathcheck/budget.h"
#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

enum class Same : uint8_t { yes, no, unknown };

// What all comparisons of one case share.
struct Case {
  Tree& tree;
  Budget& budget;
  const char* method = "";  // how the last comparison was decided
  bool log_is_ten = false;  // how a logarithm without base is read
  uint64_t seed = 0;        // of the case's random primes: a hash of its texts, so the same case ends the same way
  std::array<uint64_t, 4> primes{};  // chosen when first needed
};

// Exact values exactly; rational functions by random points modulo a prime; the rest by balls: one point where they
// differ refutes, agreement at several random points, at rising precision, proves nothing but is accepted.
// A decimal of six or more digits may stand for an exact value that is no integer, rounded or cut at its last digit.
Same compare_scalars(Case& c, int a, int b);

// True when `decimal` is written with a point and is the value of `exact` rounded or cut at its last digit, however few
// it has.
bool is_rounding(Case& c, int decimal, int exact);

// left - right of two equations or inequalities: +1 or -1 when one is a constant multiple of the other (the sign is
// the constant's), 0 when not, nothing when it can't be told.
std::optional<int> proportional(Case& c, int a, int b);

// Names of the symbols below `root` that are not bound by a sum.
std::vector<int> free_symbols(const Tree& tree, int root);

}  // namespace posttrain::mathcheck
