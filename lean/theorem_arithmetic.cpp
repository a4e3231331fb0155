// The kernel's arithmetic rules: each recomputes polynomials from the terms and trusts nothing of a certificate.
#include <algorithm>

#include "lean/eval.h"
#include "lean/theorem.h"

namespace posttrain::lean {
namespace {

std::vector<Term> all_hypotheses(std::span<const Theorem> theorems) {
  std::vector<Term> out;
  for (const Theorem& t : theorems)
    for (const Term& h : t.hypotheses())
      if (std::ranges::find(out, h) == out.end()) out.push_back(h);
  return out;
}

// p >= 0, p > 0 or p = 0.
struct Row {
  Poly p;
  bool strict = false, equation = false;
};

// Over integers: primitive coefficients, the constant rounded down, no strictness.
Row rounded(const Ring& ring, const Row& row) {
  need(!row.equation, "an equation is not rounded");
  Rational lcm = 1, gcd = 0, offset = 0;
  for (const auto& [m, c] : row.p) {
    need(ring.integral(m), "only integers are rounded");
    if (m.empty()) {
      offset = c;
      continue;
    }
    const Rational d = c.denominator();
    lcm = lcm * d / Rational::gcd(lcm, d);
  }
  for (const auto& [m, c] : row.p)
    if (!m.empty()) gcd = Rational::gcd(gcd, c * lcm);
  need(!gcd.is_zero(), "nothing to round");
  const Rational scale = lcm / gcd;
  Row out;
  for (const auto& [m, c] : row.p)
    if (!m.empty()) out.p[m] = c * scale;
  // Σ a m + k ⊲ 0 with integer a: Σ a m >= -k becomes >= ceil(-k), > becomes >= floor(-k) + 1.
  const Rational k = offset * scale;
  const Rational c = row.strict ? -((-k).floor() + Rational(1)) : k.floor();
  if (!c.is_zero()) out.p[{}] = c;
  return out;
}

bool contradictory(const Row& row) {
  const auto c = as_constant(row.p);
  if (!c) return false;
  if (row.equation) return !c->is_zero();
  return row.strict ? c->sign() <= 0 : c->sign() < 0;
}

Row row_of(Ring& ring, const Term& fact) {
  need(fact->op == Op::eq || fact->op == Op::le || fact->op == Op::lt, "not a comparison");
  need(is_ordered(fact->args[0]->sort), "not an ordered sort");
  return {ring.add(ring.of(fact->args[1]), ring.of(fact->args[0]), -1), fact->op == Op::lt, fact->op == Op::eq};
}

Term difference(const Term& comparison, Sort sort) {
  return make(Op::sub, {cast(comparison->args[1], sort), cast(comparison->args[0], sort)});
}

}  // namespace

Theorem Kernel::ring(const Term& a, const Term& b) const {
  Ring ring(budget_);
  need(ring.of(a) == ring.of(b), "the two sides have different normal forms");
  return {{}, make(Op::eq, {a, b})};
}

Theorem Kernel::combine(std::span<const Theorem> equations, std::span<const Term> factors, const Term& a,
                        const Term& b) const {
  need(equations.size() == factors.size(), "one factor for each equation");
  Ring ring(budget_);
  Poly rest = ring.add(ring.of(a), ring.of(b), -1);
  for (size_t i = 0; i < equations.size(); ++i) {
    const Term& e = equations[i].conclusion_;
    need(e->op == Op::eq, "not an equation");
    const Poly zero = ring.add(ring.of(e->args[0]), ring.of(e->args[1]), -1);
    rest = ring.add(rest, ring.mul(ring.of(factors[i]), zero), -1);
  }
  need(rest.empty(), "the combination leaves a rest");
  return {all_hypotheses(equations), make(Op::eq, {a, b})};
}

Theorem Kernel::field(std::span<const Theorem> nonzero, const Term& a, const Term& b) const {
  need(is_field(a->sort), "not a field");
  Ring ring(budget_);
  std::vector<Poly> bases;
  const auto monic = [&](const Poly& p) { return p.empty() ? p : ring.add({}, p, Rational(1) / p.rbegin()->second); };
  for (const Theorem& t : nonzero) {
    const Term& c = t.conclusion_;
    need(is_negation(c) && c->args[0]->op == Op::eq, "not of the form x ≠ y");
    bases.push_back(monic(ring.add(ring.of(c->args[0]->args[0]), ring.of(c->args[0]->args[1]), -1)));
  }
  const auto is_nonzero = [&](const Poly& u) {
    const Poly m = monic(u);
    return std::ranges::any_of(bases, [&](const Poly& base) {
      if (base == m) return true;
      if (base.size() != 1 || m.size() != 1) return false;  // a factor of a product that is not 0
      const auto& factors = base.begin()->first;
      return std::ranges::all_of(m.begin()->first, [&](const auto& f) {
        return std::ranges::any_of(factors, [&](const auto& g) { return g.first == f.first; });
      });
    });
  };
  Poly rest = ring.add(ring.of(a), ring.of(b), -1);
  for (;;) {  // multiply by one denominator at a time; ends since the budget does
    budget_.pay();
    int inverse = -1;
    for (const auto& [m, c] : rest)
      for (const auto& [atom, exponent] : m)
        if (ring.atom(atom)->op == Op::inv) inverse = std::max(inverse, atom);
    if (inverse < 0) break;
    const Poly u = ring.of(ring.atom(inverse)->args[0]);
    need(is_nonzero(u), "a denominator may be 0");
    uint32_t most = 0;
    const auto exponent_in = [&](const Monomial& m) {
      for (const auto& [atom, exponent] : m)
        if (atom == inverse) return exponent;
      return uint32_t{0};
    };
    for (const auto& [m, c] : rest) most = std::max(most, exponent_in(m));
    Poly cleared;
    for (const auto& [m, c] : rest) {
      Monomial others;
      for (const auto& f : m)
        if (f.first != inverse) others.push_back(f);
      cleared = ring.add(cleared, ring.mul(Poly{{others, c}}, ring.power(u, most - exponent_in(m))));
    }
    rest = std::move(cleared);
  }
  need(rest.empty(), "the fractions differ");
  return {all_hypotheses(nonzero), make(Op::eq, {a, b})};
}

Theorem Kernel::refute(std::span<const Theorem> facts, const Refutation& certificate) const {
  Ring ring(budget_);
  std::vector<Row> rows;
  for (const Theorem& t : facts) rows.push_back(row_of(ring, t.conclusion_));
  for (const Term& n : certificate.naturals) {
    need(n->sort == Sort::nat, "not a natural number");
    rows.push_back({ring.of(n)});
  }
  for (const Refutation::Step& step : certificate.steps) {
    Row sum{{}, false, true};
    for (const auto& [index, factor] : step.terms) {
      need(index < rows.size(), "a step refers to a later row");
      const Row& row = rows[index];
      need(row.equation || factor.sign() >= 0, "an inequality times a negative factor");
      if (factor.is_zero()) continue;
      sum.p = ring.add(sum.p, row.p, factor);
      sum.strict |= row.strict;
      sum.equation &= row.equation;
    }
    rows.push_back(step.round ? rounded(ring, sum) : sum);
  }
  need(!rows.empty() && contradictory(rows.back()), "the certificate ends in nothing false");
  return {all_hypotheses(facts), bottom()};
}

Theorem Kernel::product(const Theorem& a, const Theorem& b) const {
  const Term &s = a.conclusion_, &t = b.conclusion_;
  for (const Term& c : {s, t})
    need((c->op == Op::le || c->op == Op::lt) && is_ordered(c->args[0]->sort), "not an inequality");
  const Sort sort = std::max({s->args[0]->sort, t->args[0]->sort, Sort::integer});
  const bool strict = s->op == Op::lt && t->op == Op::lt;
  const Theorem both[] = {a, b};
  return {all_hypotheses(both), make(strict ? Op::lt : Op::le,
                                     {literal(0, sort), make(Op::mul, {difference(s, sort), difference(t, sort)})})};
}

Theorem Kernel::square_nonnegative(const Term& t) const {
  need(is_ordered(t->sort) && t->sort != Sort::nat && t->loose == 0, "not a number of an ordered ring");
  return {{}, make(Op::le, {literal(0, t->sort), make(Op::pow, {t, literal(2, Sort::nat)})})};
}

Theorem Kernel::split(const Term& x, const Term& k) const {
  need(is_integral(x->sort) && x->sort == k->sort && x->loose == 0 && k->loose == 0, "not integers");
  return {{}, make(Op::or_, {make(Op::le, {x, k}), make(Op::le, {make(Op::add, {k, literal(1, k->sort)}), x})})};
}

Theorem Kernel::residue(const Term& a, const Term& b, const Term& k, std::span<const Theorem> known) const {
  need(is_integral(k->sort) && k->op == Op::literal && k->value.sign() > 0, "the modulus is not a literal");
  need(a->sort == k->sort && b->sort == k->sort, "not of one sort");
  Ring ring(budget_);
  const auto divides = [&](const Term& by) {
    return by->op == Op::literal && !by->value.is_zero() && Rational::euclidean_mod(by->value, k->value).is_zero();
  };
  std::map<int, Poly> residues;  // of atoms
  for (const Theorem& t : known) {
    const Term& e = t.conclusion_;
    need(e->op == Op::eq && e->args[0]->op == Op::mod && divides(e->args[0]->args[1]), "not a known residue");
    const Poly x = ring.of(e->args[0]->args[0]);
    need(x.size() == 1 && x.begin()->second.is_one() && degree(x.begin()->first) == 1, "not the residue of an atom");
    residues[x.begin()->first[0].first] = ring.of(e->args[1]);
  }
  const auto reduce = [&](Poly p) {
    for (;;) {  // put one atom in at a time; the budget ends what would circle
      budget_.pay();
      int chosen = -1;
      Poly by;
      for (const auto& [m, c] : p) {
        need(ring.integral(m), "not integers");
        for (const auto& [atom, e] : m) {
          const Term t = ring.atom(atom);
          if (const auto found = residues.find(atom); found != residues.end()) {
            chosen = atom;
            by = found->second;
          } else if (t->op == Op::mod && divides(t->args[1])) {
            chosen = atom;
            by = ring.of(t->args[0]);
          }
        }
        if (chosen >= 0) break;
      }
      Poly next;
      for (const auto& [m, c] : p) {
        Monomial others;
        uint32_t exponent = 0;
        for (const auto& f : m) {
          if (f.first == chosen)
            exponent = f.second;
          else
            others.push_back(f);
        }
        need(c.is_integer(), "not an integer polynomial");
        const Poly rest{{others, Rational::euclidean_mod(c, k->value)}};
        if (!rest.begin()->second.is_zero()) next = ring.add(next, ring.mul(rest, ring.power(by, exponent)));
      }
      if (chosen < 0) return next;
      p = std::move(next);
    }
  };
  need(reduce(ring.add(ring.of(a), ring.of(b), -1)).empty(), "the residues differ");
  const Theorem out({}, make(Op::eq, {make(Op::mod, {a, k}), make(Op::mod, {b, k})}));
  return {all_hypotheses(known), out.conclusion_};
}

}  // namespace posttrain::lean
