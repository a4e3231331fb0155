// field_simp: clears denominators that are known not to be 0.
#include <algorithm>

#include "lean/tactics.h"

namespace posttrain::lean {
namespace {

// x ≠ y facts: from the hypotheses, from strict comparisons, and for a denominator by positivity.
std::vector<Theorem> nonzero_facts(Prover& p) {
  std::vector<Theorem> out;
  const std::function<void(const Theorem&)> add = [&](const Theorem& t) {
    const Term& c = t.conclusion();
    if (c->op == Op::and_) {
      add(p.kernel.and_elim(t, false));
      add(p.kernel.and_elim(t, true));
    } else if (is_negation(c) && c->args[0]->op == Op::eq) {
      out.push_back(t);
    } else if (c->op == Op::lt) {
      out.push_back(p.lemma("ne_of_lt", c->args[0]->sort, {c->args[0], c->args[1]}, {t}));
    }
  };
  for (const Hypothesis& h : p.goal().hypotheses) add(p.kernel.assume(h.formula));
  return out;
}

struct Clearing {
  Term denominator, inverse;  // a product of bases and the product of their inverses
  std::vector<Theorem> nonzero;
};

uint32_t exponent_of(const Poly& p, int atom) {
  uint32_t most = 0;
  for (const auto& [m, c] : p)
    for (const auto& [id, e] : m)
      if (id == atom) most = std::max(most, e);
  return most;
}

// The numerator of t over the denominator: a polynomial without inverses.
Term cleared(Ring& ring, Poly value, const Term& denominator, Sort sort) {
  value = ring.mul(value, ring.of(denominator));
  for (int round = 0; round < 12; ++round) {
    int inverse = -1;
    for (const auto& [m, c] : value)
      for (const auto& [id, e] : m)
        if (ring.atom(id)->op == Op::inv) inverse = std::max(inverse, id);
    if (inverse < 0) return ring.term(value, sort);
    // value * u^most is divisible by u^most: divide by multivariate long division on the largest monomial.
    const Poly u = ring.of(ring.atom(inverse)->args[0]);
    const uint32_t most = exponent_of(value, inverse);
    Poly flat;
    for (const auto& [m, c] : value) {
      Monomial rest;
      uint32_t e = 0;
      for (const auto& f : m) (f.first == inverse ? e = f.second : (rest.push_back(f), 0u));
      flat = ring.add(flat, ring.mul(Poly{{rest, c}}, ring.power(u, most - e)));
    }
    for (uint32_t i = 0; i < most; ++i) {
      // A variable of u in which u is monic enough: plain division by degree in graded order.
      const auto key = [](const Monomial& m) { return std::pair(degree(m), m); };
      const auto lead = [&](const Poly& q) {
        return *std::ranges::max_element(q, [&](const auto& a, const auto& b) { return key(a.first) < key(b.first); });
      };
      Poly quotient, rest = flat;
      const auto divisor = lead(u);
      while (!rest.empty()) {
        ring.budget().pay(static_cast<int64_t>(u.size()));
        const auto top = lead(rest);
        Monomial factor;
        bool divides = true;
        size_t used = 0;
        for (const auto& f : top.first) {
          uint32_t e = f.second;
          for (const auto& d : divisor.first)
            if (d.first == f.first) {
              divides &= d.second <= e;
              e -= std::min(d.second, e);
              ++used;
            }
          if (e > 0) factor.emplace_back(f.first, e);
        }
        if (!divides || used != divisor.first.size()) throw RuleError("a fraction does not clear");
        const Poly term{{factor, top.second / divisor.second}};
        quotient = ring.add(quotient, term);
        rest = ring.add(rest, ring.mul(term, u), -1);
      }
      flat = std::move(quotient);
    }
    value = std::move(flat);
  }
  throw RuleError("a fraction does not clear");
}

std::optional<Clearing> clearing(Prover& p, Ring& ring, const Term& equation, const std::vector<Theorem>& known) {
  const Sort sort = equation->args[0]->sort;
  std::map<int, uint32_t> inverses;
  for (const Term& side : equation->args)
    for (const auto& [m, c] : ring.of(side))
      for (const auto& [id, e] : m)
        if (ring.atom(id)->op == Op::inv) inverses[id] = std::max(inverses[id], e);
  if (inverses.empty()) return std::nullopt;
  Clearing out;
  const std::vector<Theorem> facts = comparisons(p, {});
  for (const auto& [id, e] : inverses) {
    const Term base = ring.atom(id)->args[0];
    const Term claim = negation(make(Op::eq, {base, literal(0, base->sort)}));
    std::optional<Theorem> proof;
    for (const Theorem& t : known) {
      const std::vector<Theorem> one = {t};
      try {  // whether t says that the base is not 0: base / base = 1
        p.kernel.field(one, make(Op::mul, {base, make(Op::inv, {base})}), literal(1, base->sort));
        proof = t;
        break;
      } catch (const RuleError&) {
      }
    }
    if (!proof && is_ordered(base->sort))
      if (auto positive_base = positive(p, base, facts); positive_base && positive_base->conclusion()->op == Op::lt)
        proof = p.lemma("ne_of_gt", base->sort, {base, literal(0, base->sort)}, {*positive_base});
    if (!proof) return std::nullopt;
    out.nonzero.push_back(*proof);
    const Term exponent = literal(static_cast<int64_t>(e), Sort::nat);
    const Term factor = make(Op::pow, {cast(base, sort), exponent});
    const Term inverse = make(Op::pow, {make(Op::inv, {cast(base, sort)}), exponent});
    out.denominator = out.denominator ? make(Op::mul, {out.denominator, factor}) : factor;
    out.inverse = out.inverse ? make(Op::mul, {out.inverse, inverse}) : inverse;
    static_cast<void>(claim);
  }
  return out;
}

// For an equation with inverses: the cleared equation, and theorems side * D = cleared side.
struct Cleared {
  Term equation;
  Clearing by;
  std::optional<Theorem> left, right;
};

std::optional<Cleared> clear_equation(Prover& p, const Term& equation) {
  if (equation->op != Op::eq || !is_field(equation->args[0]->sort)) return std::nullopt;
  Ring ring(p.budget);
  auto by = clearing(p, ring, equation, nonzero_facts(p));
  if (!by) return std::nullopt;
  const Sort sort = equation->args[0]->sort;
  Cleared out{{}, *by, {}, {}};
  Term sides[2];
  for (const size_t i : {0, 1}) {
    sides[i] = cleared(ring, ring.of(equation->args[i]), by->denominator, sort);
    const Theorem t = p.kernel.field(by->nonzero, make(Op::mul, {equation->args[i], by->denominator}), sides[i]);
    (i == 0 ? out.left : out.right) = t;
  }
  out.equation = make(Op::eq, {sides[0], sides[1]});
  return out;
}

void field_simp(Prover& p, const Syntax& s) {
  std::vector<std::string> names;
  for (const Syntax& l : s.kids.back().kids) {
    if (l.text == "*") {
      for (const Hypothesis& h : p.goal().hypotheses) names.push_back(h.name);
      names.emplace_back("⊢");
    } else {
      names.push_back(l.text);
    }
  }
  if (names.empty()) names.emplace_back("⊢");
  // Facts given in brackets join the hypotheses.
  for (const Syntax& item : s.kids[0].kids) attempt(p, [&] { p.add_hypothesis("fact✝", p.infer(item)); });
  bool progress = false;
  for (const std::string& name : names) {
    if (name != "⊢") {
      const Theorem h = p.assumption(name);
      const auto c = clear_equation(p, h.conclusion());
      if (!c) continue;
      // A' - B' = (A' - aD) + (bD - B') + D (a - b)
      const Sort sort = c->equation->args[0]->sort;
      const Theorem parts[] = {*c->left, *c->right, h};
      const Term factors[] = {literal(-1, sort), literal(1, sort), c->by.denominator};
      p.add_hypothesis(name, p.kernel.combine(parts, factors, c->equation->args[0], c->equation->args[1]), name);
      progress = true;
      continue;
    }
    const Term target = p.goal().target;
    const auto c = clear_equation(p, target);
    if (!c) continue;
    // a = A' / D, b = B' / D and A' = B' give a = b.
    const Sort sort = c->equation->args[0]->sort;
    const auto over = [&](size_t i) { return make(Op::mul, {c->equation->args[i], c->by.inverse}); };
    const Theorem left = p.kernel.field(c->by.nonzero, target->args[0], over(0));
    const Theorem right = p.kernel.field(c->by.nonzero, target->args[1], over(1));
    const Term inverse = c->by.inverse;
    p.change_target(c->equation, [=](const Kernel& k, std::span<const Theorem> sub) {
      const Theorem parts[] = {left, right, sub[0]};
      const Term factors[] = {literal(1, sort), literal(-1, sort), inverse};
      return k.combine(parts, factors, target->args[0], target->args[1]);
    });
    // As in Lean, nothing is left of x = x.
    if (c->equation->args[0] == c->equation->args[1]) p.close(p.kernel.reflexivity(c->equation->args[0]));
    progress = true;
  }
  if (!progress) p.fail("field_simp made no progress");
}

constexpr TacticEntry kFieldTactics[] = {{"field_simp", field_simp}};

}  // namespace

std::span<const TacticEntry> field_tactics() {
  return kFieldTactics;
}

}  // namespace posttrain::lean
