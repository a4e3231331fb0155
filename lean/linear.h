// The search for certificates of linear arithmetic. Untrusted: the kernel checks what comes out.
#pragma once

#include <optional>
#include <vector>

#include "lean/theorem.h"

namespace posttrain::lean {

// p >= 0, p > 0 (strict) or p = 0; monomials count as unknowns.
struct LinearRow {
  Poly p;
  bool strict = false, equation = false;
};

// The row of a comparison of an ordered sort; nothing for other formulas.
std::optional<LinearRow> linear_row(Ring& ring, const Term& fact);
// Row indices in the certificate are those of `rows`, then `naturals`.
// Over ordered fields, by the simplex method with exact numbers (strictness by infinitesimals, Bland's rule).
std::optional<Refutation> refute_rationals(Ring& ring, std::vector<LinearRow> rows, const std::vector<Term>& naturals);
// Over the integers: equations solved by unimodular steps, then Fourier-Motzkin with rounding.
std::optional<Refutation> refute_integers(Ring& ring, std::vector<LinearRow> rows, const std::vector<Term>& naturals);
// The monomials of the rows that are natural numbers, as terms.
std::vector<Term> natural_monomials(Ring& ring, const std::vector<LinearRow>& rows);

}  // namespace posttrain::lean
