// ring, linarith, nlinarith, positivity, linear_combination: find certificates and hand them to the kernel.
#include <algorithm>

#include "lean/linear.h"
#include "lean/tactics.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

namespace {

bool is_comparison(const Term& t) {
  return (t->op == Op::eq || t->op == Op::le || t->op == Op::lt) && is_ordered(t->args[0]->sort);
}

// Turns ¬(a < b) and ¬(a ≤ b) round; takes conjunctions apart.
void collect(const Prover& p, const Theorem& t, std::vector<Theorem>& out) {
  const Term& c = t.conclusion();
  p.budget.pay();
  if (is_comparison(c)) {
    out.push_back(t);
  } else if (c->op == Op::and_) {
    collect(p, p.kernel.and_elim(t, false), out);
    collect(p, p.kernel.and_elim(t, true), out);
  } else if (is_negation(c) && (c->args[0]->op == Op::lt || c->args[0]->op == Op::le)) {
    const auto& a = c->args[0]->args;
    const Theorem iff = p.lemma(c->args[0]->op == Op::lt ? "not_lt" : "not_le", a[0]->sort, {a[0], a[1]});
    out.push_back(p.kernel.imp_elim(p.kernel.iff_elim(iff, false), t));
  }
}

}  // namespace

std::vector<Theorem> comparisons(const Prover& p, const std::vector<Theorem>& extra) {
  std::vector<Theorem> out;
  for (const Hypothesis& h : p.goal().hypotheses) collect(p, p.kernel.assume(h.formula), out);
  for (const Theorem& t : extra) collect(p, t, out);
  return out;
}

std::optional<Theorem> linear_contradiction(const Kernel& kernel, const std::vector<Theorem>& facts) {
  Ring ring(kernel.budget());
  std::vector<LinearRow> rows;
  std::vector<Theorem> used;
  for (const Theorem& t : facts) {
    auto row = linear_row(ring, t.conclusion());
    if (!row) continue;
    rows.push_back(std::move(*row));
    used.push_back(t);
  }
  const auto certificate = refute_rationals(ring, rows, natural_monomials(ring, rows));
  if (!certificate) return std::nullopt;
  return kernel.refute(used, *certificate);
}

std::optional<Theorem> by_contradiction(
    const Prover& p, const Term& target,
    const std::function<std::optional<Theorem>(const std::vector<Theorem>& negated)>& contradiction) {
  const Kernel& k = p.kernel;
  if (target->op == Op::false_) return contradiction({});
  if (is_negation(target) && is_comparison(target->args[0])) {
    const auto f = contradiction({k.assume(target->args[0])});
    if (!f) return std::nullopt;
    return k.imp_intro(target->args[0], *f);
  }
  if (!is_comparison(target)) return std::nullopt;
  const Term a = target->args[0], b = target->args[1];
  const auto order = [&](Op op, const Term& x, const Term& y) -> std::optional<Theorem> {  // x op y
    const Term negated = make(op == Op::le ? Op::lt : Op::le, {y, x});
    const auto f = contradiction({k.assume(negated)});
    if (!f) return std::nullopt;
    const Theorem iff = p.lemma(op == Op::le ? "not_lt" : "not_le", x->sort, {y, x});
    return k.imp_elim(k.iff_elim(iff, false), k.imp_intro(negated, *f));
  };
  if (target->op != Op::eq) return order(target->op, a, b);
  const auto below = order(Op::le, a, b);
  if (!below) return std::nullopt;
  const auto above = order(Op::le, b, a);
  if (!above) return std::nullopt;
  return p.lemma("le_antisymm", a->sort, {a, b}, {*below, *above});
}

std::optional<Theorem> positive(const Prover& p, const Term& t, const std::vector<Theorem>& facts, int depth) {
  p.budget.pay(10);
  if (depth > 20 || !is_ordered(t->sort)) return std::nullopt;
  const Kernel& k = p.kernel;
  const Term zero = literal(0, t->sort);
  const auto is_strict = [](const Theorem& x) { return x.conclusion()->op == Op::lt; };
  const auto weak = [&](const Theorem& x) {
    return is_strict(x) ? p.lemma("le_of_lt", x.conclusion()->args[0]->sort,
                                  {x.conclusion()->args[0], x.conclusion()->args[1]}, {x})
                        : x;
  };
  for (const bool strict : {true, false}) {
    const Term claim = make(strict ? Op::lt : Op::le, {zero, t});
    for (const Theorem& f : facts)
      if (f.conclusion() == claim) return f;
    if (t->op == Op::literal)
      if (auto value = k.evaluate(claim); value && value->conclusion() == claim) return value;
  }
  const auto sub = [&](size_t i) { return positive(p, t->args[i], facts, depth + 1); };
  switch (t->op) {
    case Op::add:
    case Op::mul: {
      const auto a = sub(0), b = sub(1);
      if (!a || !b) break;
      const bool both = is_strict(*a) && is_strict(*b);
      if (t->op == Op::mul)
        return p.lemma(both ? "mul_pos" : "mul_nonneg", t->sort, t->args,
                       both ? std::vector{*a, *b} : std::vector{weak(*a), weak(*b)});
      if (both) return p.lemma("add_pos", t->sort, t->args, {*a, *b});
      if (is_strict(*a)) return p.lemma("add_pos_of_pos_of_nonneg", t->sort, t->args, {*a, *b});
      if (is_strict(*b)) return p.lemma("add_pos_of_nonneg_of_pos", t->sort, t->args, {*a, *b});
      return p.lemma("add_nonneg", t->sort, t->args, {*a, *b});
    }
    case Op::div: {
      if (!is_field(t->sort)) break;
      const auto a = sub(0), b = sub(1);
      if (!a || !b) break;
      if (is_strict(*a) && is_strict(*b)) return p.lemma("div_pos", t->sort, t->args, {*a, *b});
      return p.lemma("div_nonneg", t->sort, t->args, {weak(*a), weak(*b)});
    }
    case Op::inv: {
      const auto a = sub(0);
      if (!a) break;
      return p.lemma(is_strict(*a) ? "inv_pos_of_pos" : "_inv_nonneg", t->sort, t->args, {*a});
    }
    case Op::pow: {
      const auto a = sub(0);
      if (!a) break;
      const auto fact = k.lemma(is_strict(*a) ? "pow_pos" : "pow_nonneg", t->sort);
      return k.forall_elim(k.imp_elim(k.forall_elim(*fact, t->args[0]), *a), t->args[1]);
    }
    case Op::abs:
      return p.lemma("abs_nonneg", t->sort, {t->args[0]});
    case Op::sqrt: {
      const auto a = sub(0);
      if (a && is_strict(*a)) return p.lemma("Real.sqrt_pos_of_pos", Sort::real, {t->args[0]}, {*a});
      return p.lemma("Real.sqrt_nonneg", Sort::real, {t->args[0]});
    }
    default:
      break;
  }
  // What linear arithmetic and even powers give.
  for (const bool strict : {true, false}) {
    const Term claim = make(strict ? Op::lt : Op::le, {zero, t});
    std::vector<Theorem> all = facts;
    if (t->op == Op::pow && t->sort != Sort::nat && t->args[1]->op == Op::literal &&
        Rational::euclidean_mod(t->args[1]->value, 2).is_zero() && !t->args[1]->value.is_zero())
      all.push_back(
          k.square_nonnegative(make(Op::pow, {t->args[0], literal(t->args[1]->value / Rational(2), Sort::nat)})));
    if (auto proof = by_contradiction(p, claim, [&](const std::vector<Theorem>& negated) {
          std::vector<Theorem> rows = all;
          rows.insert(rows.end(), negated.begin(), negated.end());
          return linear_contradiction(k, rows);
        }))
      return proof;
  }
  return std::nullopt;
}

namespace {

void ring(Prover& p, const Syntax&) {
  const Term t = p.goal().target;
  if (t->op != Op::eq) p.fail("ring proves equations");
  p.close(p.kernel.ring(t->args[0], t->args[1]));
}

std::vector<Theorem> hints(Prover& p, const Syntax& list) {
  std::vector<Theorem> out;
  for (const Syntax& item : list.kids) {
    if (item.kind == Kind::prefix && item.text == "←") p.fail("a hint is a proof");
    out.push_back(p.infer(item));
  }
  return out;
}

void linarith(Prover& p, const Syntax& s) {
  const std::vector<Theorem> facts = comparisons(p, hints(p, s.kids[0]));
  const auto proof = by_contradiction(p, p.goal().target, [&](const std::vector<Theorem>& negated) {
    std::vector<Theorem> all = facts;
    all.insert(all.end(), negated.begin(), negated.end());
    return linear_contradiction(p.kernel, all);
  });
  // Contradictory hypotheses close any goal.
  if (proof) return p.close(*proof);
  if (!is_comparison(p.goal().target))
    if (const auto f = linear_contradiction(p.kernel, facts)) return p.close(p.kernel.false_elim(*f, p.goal().target));
  p.fail("linarith failed to find a contradiction");
}

// Adds squares of the atoms and pairwise products, as Mathlib's nlinarith does.
std::vector<Theorem> with_products(const Prover& p, const std::vector<Theorem>& facts,
                                   const std::vector<Theorem>& first) {
  const Kernel& k = p.kernel;
  std::vector<Theorem> out = facts;
  out.insert(out.end(), first.begin(), first.end());
  std::vector<Theorem> factors = first;  // the negated goal and the hints come first
  for (const Theorem& t : facts) {
    if (factors.size() >= 14) break;
    factors.push_back(t);
  }
  std::erase_if(factors, [](const Theorem& t) { return t.conclusion()->op == Op::eq; });
  for (size_t i = 0; i < factors.size(); ++i)
    for (size_t j = i; j < factors.size(); ++j) {
      p.budget.pay(10);
      out.push_back(k.product(factors[i], factors[j]));
    }
  // Equations times the atoms of degree one.
  std::vector<Term> atoms;
  for (const Theorem& t : std::vector<Theorem>(out))
    visit(t.conclusion(), [&](const Term& at) {
      const bool atom = at->op == Op::variable && is_ordered(at->sort) && at->loose == 0;
      if (atom && std::ranges::find(atoms, at) == atoms.end() && atoms.size() < 6) atoms.push_back(at);
      return true;
    });
  for (const Term& a : atoms)
    if (a->sort != Sort::nat) out.push_back(k.square_nonnegative(a));
  for (const Theorem& t : facts) {
    const Term& c = t.conclusion();
    if (c->op != Op::eq || out.size() > 160) continue;
    for (const Term& a : atoms) {
      const Sort sort = std::max(a->sort, c->args[0]->sort);
      const Term l = make(Op::mul, {cast(c->args[0], sort), cast(a, sort)});
      const Term r = make(Op::mul, {cast(c->args[1], sort), cast(a, sort)});
      const Theorem one[] = {t};
      const Term factor[] = {cast(a, sort)};
      out.push_back(k.combine(one, factor, l, r));
    }
  }
  return out;
}

void nlinarith(Prover& p, const Syntax& s) {
  const std::vector<Theorem> given = hints(p, s.kids[0]);
  std::vector<Theorem> hint_rows;
  for (const Theorem& t : given) collect(p, t, hint_rows);
  const std::vector<Theorem> facts = comparisons(p, {});
  const auto proof =
      by_contradiction(p, p.goal().target, [&](const std::vector<Theorem>& negated) -> std::optional<Theorem> {
        std::vector<Theorem> linear = facts;
        linear.insert(linear.end(), hint_rows.begin(), hint_rows.end());
        linear.insert(linear.end(), negated.begin(), negated.end());
        if (auto f = linear_contradiction(p.kernel, linear)) return f;
        std::vector<Theorem> first = negated;
        first.insert(first.end(), hint_rows.begin(), hint_rows.end());
        return linear_contradiction(p.kernel, with_products(p, facts, first));
      });
  if (!proof) p.fail("nlinarith failed to find a contradiction");
  p.close(*proof);
}

void positivity(Prover& p, const Syntax&) {
  const Term t = p.goal().target;
  const std::vector<Theorem> facts = comparisons(p, {});
  const bool unequal = is_negation(t) && t->args[0]->op == Op::eq;
  const bool order =
      (t->op == Op::lt || t->op == Op::le) && t->args[0]->op == Op::literal && t->args[0]->value.is_zero();
  if (!order && !unequal) p.fail("positivity proves 0 < a, 0 ≤ a and a ≠ 0");
  const Term a = unequal ? t->args[0]->args[0] : t->args[1];
  auto proof = positive(p, a, facts);
  if (!proof) p.fail("positivity failed");
  if (unequal && proof->conclusion()->op == Op::lt) {
    const Term zero = literal(0, a->sort);
    return p.close(p.lemma("ne_of_gt", a->sort, {a, zero}, {*proof}));
  }
  if (t->op == Op::le && proof->conclusion()->op == Op::lt)
    proof = p.lemma("le_of_lt", a->sort, {literal(0, a->sort), a}, {*proof});
  p.close(*proof);
}

// A combination such as 2 * h₁ - x * h₂ as one equation; numbers and terms scale.
std::optional<Theorem> combination(Prover& p, const Syntax& given, Sort sort) {
  const Syntax& s = given.kind == Kind::typed && given.kids.size() == 1 ? given.kids[0] : given;
  const Kernel& k = p.kernel;
  const auto joined = [&](const std::vector<Theorem>& parts, const std::vector<Term>& factors) {
    Term l = literal(0, sort), r = literal(0, sort);
    for (size_t i = 0; i < parts.size(); ++i) {
      l = make(Op::add, {l, make(Op::mul, {factors[i], cast(parts[i].conclusion()->args[0], sort)})});
      r = make(Op::add, {r, make(Op::mul, {factors[i], cast(parts[i].conclusion()->args[1], sort)})});
    }
    return k.combine(parts, factors, l, r);
  };
  const Term one = literal(1, sort);
  const Term minus = sort == Sort::nat ? one : literal(-1, sort);
  if (s.kind == Kind::infix && s.kids.size() == 2) {
    auto a = combination(p, s.kids[0], sort);
    auto b = s.text == "^" ? std::nullopt : combination(p, s.kids[1], sort);
    if (!a && !b) return std::nullopt;
    if (s.text == "+" || s.text == "-") {
      if (!a || !b) p.fail("a sum of a proof and a number");
      return joined({*a, *b}, {one, s.text == "+" ? one : minus});
    }
    if (s.text == "*" && !(a && b)) {
      const Term factor = p.elaborator().number(s.kids[a ? 1 : 0], sort);
      return joined({a ? *a : *b}, {factor});
    }
    if (s.text == "/" && a && !b && is_field(sort))
      return joined({*a}, {make(Op::inv, {p.elaborator().number(s.kids[1], sort)})});
    p.fail("not a linear combination");
  }
  if (s.is(Kind::prefix, "-")) {
    auto a = combination(p, s.kids[0], sort);
    if (!a) return std::nullopt;
    return joined({*a}, {minus});
  }
  std::optional<Theorem> t;
  if (s.kind == Kind::number) return std::nullopt;
  attempt(p, [&] { t = p.infer(s); });
  if (t && t->conclusion()->op != Op::eq) p.fail("linear_combination takes equations");
  return t;
}

void linear_combination(Prover& p, const Syntax& s) {
  const Term t = p.goal().target;
  if (t->op != Op::eq) p.fail("linear_combination proves equations");
  const auto sum = combination(p, s.kids[0], t->args[0]->sort);
  if (!sum) p.fail("no equation in the combination");
  const Theorem parts[] = {*sum};
  const Term factors[] = {literal(1, t->args[0]->sort)};
  p.close(p.kernel.combine(parts, factors, t->args[0], t->args[1]));
}

constexpr TacticEntry kArithmeticTactics[] = {
    {"ring", ring},
    {"linarith", linarith},
    {"nlinarith", nlinarith},
    {"positivity", positivity},
    {"linear_combination", linear_combination},
};

}  // namespace

std::span<const TacticEntry> arithmetic_tactics() {
  return kArithmeticTactics;
}

}  // namespace posttrain::lean
