// The value of a numeric term as a polynomial over ℚ in atoms. Casts are transparent, since ℕ → ℤ → ℚ → ℝ → ℂ are
// injective and keep + * ^; what is not polynomial (natural subtraction, integer division, unknown functions) is an
// atom. Two terms of one sort with the same polynomial are equal. Part of the trusted base.
#pragma once

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lean/term.h"

namespace posttrain::lean {

using Monomial = std::vector<std::pair<int, uint32_t>>;  // (atom, exponent > 0), atoms ascending; empty is 1
using Poly = std::map<Monomial, Rational>;               // no zero coefficients

// Numbers the atoms it meets; polynomials of one Ring can be compared. Everything throws OutOfBudget when it grows.
class Ring {
 public:
  explicit Ring(Budget& budget) : budget_(budget) {}

  Poly of(const Term& t);
  // A term of that sort whose polynomial is p: needs integer coefficients for integral sorts, else IllFormed.
  Term term(const Poly& p, Sort sort);
  const Term& atom(int id) const { return atoms_[static_cast<size_t>(id)]; }
  int atom_count() const { return static_cast<int>(atoms_.size()); }
  int id(const Term& atom);

  Poly add(const Poly& a, const Poly& b, const Rational& times = 1);  // a + times * b
  Poly mul(const Poly& a, const Poly& b);
  Poly power(const Poly& a, uint64_t exponent);
  // 1 / p; a product of atoms becomes a product of inverse atoms, a sum one atom.
  Poly inverse(const Poly& p, Sort sort);
  Budget& budget() { return budget_; }

  // Whether every value of the monomial is an integer (a natural number).
  bool integral(const Monomial& m) const;
  bool natural(const Monomial& m) const;

 private:
  Poly compute(const Term& t);
  Poly power_of(const Term& t);
  Poly peeled_fold(const Term& t, const Rational& low);
  Poly atom_poly(const Term& t);

  Budget& budget_;
  std::vector<Term> atoms_;
  std::unordered_map<Term, int, TermHash> ids_;
  std::unordered_map<Term, Poly, TermHash> memo_;
};

Poly constant(const Rational& c);
std::optional<Rational> as_constant(const Poly& p);
uint32_t degree(const Monomial& m);
Monomial times(const Monomial& a, const Monomial& b);
bool has_integer_coefficients(const Poly& p);

}  // namespace posttrain::lean
