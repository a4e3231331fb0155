// The kernel. A Theorem says "the hypotheses imply the conclusion", and only the functions of class Kernel make one;
// whatever else goes wrong in this folder costs completeness, never truth. Trusted: term, rational, eval, poly, this
// file's functions and the statements of lemmas.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "lean/poly.h"
#include "lean/term.h"

namespace posttrain::lean {

// A rule was used where it doesn't apply.
class RuleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
inline void need(bool right, const char* what) {
  if (!right) throw RuleError(what);
}

class Theorem {
 public:
  const std::vector<Term>& hypotheses() const { return hypotheses_; }
  const Term& conclusion() const { return conclusion_; }

 private:
  friend class Kernel;
  Theorem(std::vector<Term> hypotheses, Term conclusion)
      : hypotheses_(std::move(hypotheses)), conclusion_(std::move(conclusion)) {}
  std::vector<Term> hypotheses_;  // distinct
  Term conclusion_;
};

// A certificate that facts contradict each other. The rows are the facts in order, then the naturals (each claimed
// monomial of natural atoms is >= 0), then one row per step: a combination of earlier rows, its factors >= 0 but for
// equations; `round` divides by the gcd of integer coefficients and rounds the constant towards the integers. The last
// row must be false: 0 > 0, 0 >= 1 or 0 = 1.
struct Refutation {
  struct Step {
    std::vector<std::pair<size_t, Rational>> terms;
    bool round = false;
  };
  std::vector<Term> naturals;  // numeric terms of sort nat
  std::vector<Step> steps;
};

// One function per rule. Each throws RuleError where the rule doesn't apply.
class Kernel {
 public:
  explicit Kernel(Budget& budget) : budget_(budget) {}

  // ---- logic
  Theorem assume(const Term& p) const;  // p ⊢ p
  Theorem truth() const;
  Theorem and_intro(const Theorem& a, const Theorem& b) const;
  Theorem and_elim(const Theorem& both, bool right) const;
  Theorem or_intro(const Theorem& side, const Term& whole) const;
  // From p ∨ q, p ⊢ r and q ⊢ r.
  Theorem or_elim(const Theorem& either, const Theorem& left, const Theorem& right) const;
  Theorem imp_intro(const Term& hypothesis, const Theorem& t) const;
  Theorem imp_elim(const Theorem& implication, const Theorem& premise) const;
  Theorem iff_intro(const Theorem& forward, const Theorem& backward) const;
  Theorem iff_elim(const Theorem& iff, bool backward) const;  // p → q or q → p
  Theorem false_elim(const Theorem& contradiction, const Term& anything) const;
  Theorem excluded_middle(const Term& p) const;  // p ∨ ¬p
  // The variable must not be free in the hypotheses.
  Theorem forall_intro(const std::string& name, Sort sort, const std::string& hint, const Theorem& t) const;
  Theorem forall_elim(const Theorem& all, const Term& instance) const;
  Theorem exists_intro(const Term& goal, const Term& witness, const Theorem& t) const;
  // From ∃ x, p x and p name ⊢ r, where `name` is free in neither r, the other hypotheses nor the existence.
  Theorem exists_elim(const Theorem& existence, const std::string& name, const Theorem& t) const;

  // ---- equality
  Theorem reflexivity(const Term& t) const;
  // From a = b (or a ↔ b) and p: q, where p and q become the same once every a is replaced by b (or b by a).
  Theorem rewrite(const Theorem& equation, const Term& q, const Theorem& p) const;

  // ---- induction over ℕ
  // From p 0 and ∀ n, p n → p (n + 1): the goal ∀ n, p n.
  Theorem induction(const Term& goal, const Theorem& zero, const Theorem& step) const;
  // From ∀ n, (∀ m, m < n → p m) → p n.
  Theorem strong_induction(const Term& goal, const Theorem& step) const;

  // ---- arithmetic
  // The exact value of a closed formula: p or ¬p; nothing where the evaluator can't tell.
  std::optional<Theorem> evaluate(const Term& p) const;
  // a = b where both have the same polynomial.
  Theorem ring(const Term& a, const Term& b) const;
  // a = b where a - b = Σ factor_i (left_i - right_i) over the equations; factors are any numeric terms.
  Theorem combine(std::span<const Theorem> equations, std::span<const Term> factors, const Term& a,
                  const Term& b) const;
  // a = b in a field, given that each base is not 0: equal as fractions whose denominators are products of the bases.
  Theorem field(std::span<const Theorem> nonzero, const Term& a, const Term& b) const;
  Theorem refute(std::span<const Theorem> facts, const Refutation& certificate) const;
  // From 0 ⊲ a, 0 ⊲ b (⊲ is ≤ or <) as comparisons l ⊲ r: 0 ⊲ (r - l) * (r' - l').
  Theorem product(const Theorem& a, const Theorem& b) const;
  Theorem square_nonnegative(const Term& t) const;  // 0 ≤ t ^ 2, t in ℤ ℚ ℝ
  // x ≤ k ∨ k + 1 ≤ x for integers and naturals.
  Theorem split(const Term& x, const Term& k) const;
  // a % k = b % k for a literal k, where a - b is k times an integer polynomial once known residues `x % k' = r`
  // (k divides k') are put in.
  Theorem residue(const Term& a, const Term& b, const Term& k, std::span<const Theorem> known) const;

  // ---- the named statements of lemmas.cpp, closed: ∀ x ..., hypotheses → conclusion
  std::optional<Theorem> lemma(std::string_view name, Sort sort) const;

  Budget& budget() const { return budget_; }

 private:
  Budget& budget_;
};

}  // namespace posttrain::lean
