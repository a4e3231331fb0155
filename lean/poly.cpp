#include "lean/poly.h"

#include <algorithm>

#include "lean/eval.h"

namespace posttrain::lean {
namespace {

constexpr size_t max_terms = 3000;
constexpr uint32_t max_degree = 4000;
constexpr int64_t max_unfolded = 2100, max_peeled = 40;

void add_term(Poly& p, const Monomial& m, const Rational& c) {
  if (c.is_zero()) return;
  const auto [at, fresh] = p.try_emplace(m, c);
  if (fresh) return;
  at->second += c;
  if (at->second.is_zero()) p.erase(at);
}

bool all_coefficients(const Poly& p, bool (*right)(const Rational&)) {
  return std::ranges::all_of(p, [&](const auto& item) { return right(item.second); });
}

}  // namespace

Poly constant(const Rational& c) {
  Poly p;
  add_term(p, {}, c);
  return p;
}

std::optional<Rational> as_constant(const Poly& p) {
  if (p.empty()) return Rational(0);
  if (p.size() == 1 && p.begin()->first.empty()) return p.begin()->second;
  return std::nullopt;
}

uint32_t degree(const Monomial& m) {
  uint32_t d = 0;
  for (const auto& [atom, exponent] : m) d += exponent;
  return d;
}

Monomial times(const Monomial& a, const Monomial& b) {
  Monomial out;
  out.reserve(a.size() + b.size());
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i].first < b[j].first)) {
      out.push_back(a[i++]);
    } else if (i == a.size() || b[j].first < a[i].first) {
      out.push_back(b[j++]);
    } else {
      out.emplace_back(a[i].first, a[i].second + b[j].second);
      ++i, ++j;
    }
  }
  return out;
}

bool has_integer_coefficients(const Poly& p) {
  return all_coefficients(p, [](const Rational& c) { return c.is_integer(); });
}

Poly Ring::add(const Poly& a, const Poly& b, const Rational& factor) {
  budget_.pay(static_cast<int64_t>(b.size()));
  Poly out = a;
  for (const auto& [m, c] : b) add_term(out, m, factor * c);
  return out;
}

Poly Ring::mul(const Poly& a, const Poly& b) {
  budget_.pay(static_cast<int64_t>(a.size() * b.size()));
  Poly out;
  for (const auto& [m, c] : a)
    for (const auto& [n, d] : b) {
      Monomial product = times(m, n);
      if (degree(product) > max_degree) throw OutOfBudget("a polynomial has too high a degree");
      add_term(out, product, c * d);
    }
  if (out.size() > max_terms) throw OutOfBudget("a polynomial has too many terms");
  return out;
}

Poly Ring::power(const Poly& a, uint64_t exponent) {
  if (const auto c = as_constant(a)) return constant(c->power(exponent));
  if (exponent > max_degree) throw OutOfBudget("a polynomial has too high a degree");
  Poly out = constant(1);
  Poly square = a;
  for (uint64_t e = exponent; e > 0; e >>= 1) {
    if (e & 1) out = mul(out, square);
    if (e > 1) square = mul(square, square);
  }
  return out;
}

int Ring::id(const Term& atom) {
  const auto [at, fresh] = ids_.try_emplace(atom, static_cast<int>(atoms_.size()));
  if (fresh) atoms_.push_back(atom);
  return at->second;
}

Poly Ring::atom_poly(const Term& t) {
  Poly p;
  p[Monomial{{id(t), 1}}] = 1;
  return p;
}

bool Ring::integral(const Monomial& m) const {
  return std::ranges::all_of(m, [&](const auto& f) { return is_integral(atom(f.first)->sort); });
}
bool Ring::natural(const Monomial& m) const {
  return std::ranges::all_of(m, [&](const auto& f) { return atom(f.first)->sort == Sort::nat; });
}

Poly Ring::of(const Term& t) {
  if (t->loose != 0) throw IllFormed("the polynomial of an open term");
  budget_.pay();
  const auto found = memo_.find(t);
  if (found != memo_.end()) return found->second;
  Poly p = compute(t);
  memo_.emplace(t, p);
  return p;
}

Poly Ring::compute(const Term& t) {
  switch (t->op) {
    case Op::literal:
      return constant(t->value);
    case Op::cast:
      return of(t->args[0]);
    case Op::add:
      return add(of(t->args[0]), of(t->args[1]));
    case Op::sub: {
      Poly difference = add(of(t->args[0]), of(t->args[1]), -1);
      if (t->sort != Sort::nat) return difference;
      // Truncated: exact where the difference is a sum of naturals, zero where its negative is.
      if (all_coefficients(difference, [](const Rational& c) { return c.sign() > 0; })) return difference;
      if (all_coefficients(difference, [](const Rational& c) { return c.sign() < 0; })) return {};
      return atom_poly(t);
    }
    case Op::mul:
      return mul(of(t->args[0]), of(t->args[1]));
    case Op::neg:
      return add({}, of(t->args[0]), -1);
    case Op::inv:
      return inverse(of(t->args[0]), t->sort);
    case Op::div:
      if (is_field(t->sort)) return mul(of(t->args[0]), inverse(of(t->args[1]), t->sort));
      break;
    case Op::pow:
      return power_of(t);
    case Op::sum:
    case Op::prod: {
      const auto low = as_constant(of(t->args[0])), high = as_constant(of(t->args[1]));
      if (low && !high && t->binder == Sort::nat) return peeled_fold(t, *low);
      if (!low || !high) break;
      const auto count = (*high - *low).small();
      if (!count || *count > max_unfolded) break;
      Poly out = constant(t->op == Op::sum ? 0 : 1);
      for (Rational k = *low; k < *high; k += 1) {
        const Poly step = of(instantiate(t->args[2], literal(k, t->binder)));
        out = t->op == Op::sum ? add(out, step) : mul(out, step);
      }
      return out;
    }
    case Op::factorial: {  // (m + c)! = (m + 1) ... (m + c) m!
      const Poly n = of(t->args[0]);
      const auto c = n.contains({}) ? n.at({}).small() : std::nullopt;
      if (!c || n.size() < 2 || *c > max_peeled) break;
      const Poly m = add(n, constant(*c), -1);
      Poly out = atom_poly(make(Op::factorial, {term(m, Sort::nat)}));
      for (int64_t i = 1; i <= *c; ++i) out = mul(out, add(m, constant(i)));
      return out;
    }
    default:
      break;
  }
  if (const auto value = evaluate(t, budget_)) return constant(*value);
  // An integer function of polynomials that happen to be constant, such as (x - x + 7) % 5.
  if (t->op != Op::variable && t->op != Op::ite && t->op != Op::sum && t->op != Op::prod && !t->args.empty()) {
    std::vector<Term> args;
    for (const Term& a : t->args) {
      const auto c = as_constant(of(a));
      if (!c) break;
      args.push_back(literal(*c, a->sort));
    }
    if (args.size() == t->args.size())
      if (const auto value = evaluate(with_args(t, args), budget_)) return constant(*value);
  }
  return atom_poly(t);
}

// Over low <= k < m + c, with a literal low <= c and a natural m: over low <= k < m + low, then k = m + low, ...
Poly Ring::peeled_fold(const Term& t, const Rational& low) {
  const Poly high = of(t->args[1]);
  const Rational c = high.contains({}) ? high.at({}) : 0;
  const auto count = (c - low).small();
  if (!count || *count < 0 || *count > max_peeled) return atom_poly(t);
  const Poly base = add(high, constant(c - low), -1);
  Poly out = atom_poly(fold(t->op, t->binder, t->name, literal(low, Sort::nat), term(base, Sort::nat), t->args[2]));
  for (int64_t i = 0; i < *count; ++i) {
    const Poly step = of(instantiate(t->args[2], term(add(base, constant(i)), Sort::nat)));
    out = t->op == Op::sum ? add(out, step) : mul(out, step);
  }
  return out;
}

// b ^ (c0 + c1 m1 + ...) = b^c0 * (b^m1)^c1 * ...; the exponent is a natural number.
Poly Ring::power_of(const Term& t) {
  const Poly base = of(t->args[0]), exponent = of(t->args[1]);
  Poly out = constant(1);
  for (const auto& [m, c] : exponent) {
    const auto times_c = c.small();
    if (!times_c || *times_c < 0) return atom_poly(t);
    const auto count = static_cast<uint64_t>(*times_c);
    if (m.empty()) {
      out = mul(out, power(base, count));
      continue;
    }
    const Term symbolic = term(Poly{{m, 1}}, Sort::nat);
    Poly factor;
    if (base.size() == 1) {  // (k * x * y) ^ m = k ^ m * x ^ m * y ^ m
      const auto& [monomial, k] = *base.begin();
      factor = constant(1);
      if (!k.is_one()) {
        const Sort sort = !k.is_integer() ? Sort::rational : k.sign() < 0 ? Sort::integer : Sort::nat;
        factor = atom_poly(make(Op::pow, {literal(k, sort), symbolic}));
      }
      for (const auto& [atom_id, e] : monomial)
        factor = mul(factor, power(atom_poly(make(Op::pow, {atom(atom_id), symbolic})), e));
    } else {
      if (base.empty()) return atom_poly(t);
      factor = atom_poly(make(Op::pow, {term(base, t->args[0]->sort), symbolic}));
    }
    out = mul(out, power(factor, count));
  }
  return out;
}

Poly Ring::inverse(const Poly& p, Sort sort) {
  if (const auto c = as_constant(p)) return constant(Rational(1) / *c);
  Poly out;
  if (p.size() == 1) {
    out = constant(Rational(1) / p.begin()->second);
    for (const auto& [atom_id, e] : Monomial(p.begin()->first)) {
      const Term a = atom(atom_id);
      const Poly inverted = a->op == Op::inv ? of(a->args[0])  // 1 / (1 / x) = x, also for 0
                                             : atom_poly(make(Op::inv, {cast(a, std::max(a->sort, Sort::rational))}));
      out = mul(out, power(inverted, e));
    }
    return out;
  }
  const Rational lead = p.rbegin()->second;
  const Term monic = term(add({}, p, Rational(1) / lead), sort);
  return add({}, atom_poly(make(Op::inv, {monic})), Rational(1) / lead);
}

Term Ring::term(const Poly& p, Sort sort) {
  budget_.pay(static_cast<int64_t>(p.size()));
  Term out;
  for (auto at = p.rbegin(); at != p.rend(); ++at) {
    const auto& [m, coefficient] = *at;
    const bool negative = coefficient.sign() < 0 && sort != Sort::nat;
    const Rational c = negative ? -coefficient : coefficient;
    Term product;
    if (!c.is_one() || m.empty()) product = literal(c, sort);
    for (const auto& [atom_id, e] : m) {
      Term factor = cast(atom(atom_id), sort);
      if (e > 1) factor = make(Op::pow, {factor, literal(static_cast<int64_t>(e), Sort::nat)});
      product = product ? make(Op::mul, {product, factor}) : factor;
    }
    if (!out) {
      out = negative ? make(Op::neg, {product}) : product;
    } else {
      out = make(negative ? Op::sub : Op::add, {out, product});
    }
  }
  return out ? out : literal(0, sort);
}

}  // namespace posttrain::lean
