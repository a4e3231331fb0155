// Exact rational values.
#include <algorithm>
#include <cstdlib>

#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

namespace {

ExactValue of(std::optional<Rational> value) {
  if (!value || value->bits() > max_bits) return {};
  return {State::ok, std::move(*value)};
}

// base^(p/q) where it is rational.
ExactValue power(const Rational& base, const Rational& exponent) {
  if (base.is_zero() && exponent.sign() <= 0) return {State::undefined, {}};
  if (const auto n = exponent.to_long()) return of(base.power(*n));
  if (exponent.bits() > 60) return {};
  const long p = mpz_get_si(mpq_numref(exponent.raw())), q = mpz_get_si(mpq_denref(exponent.raw()));
  const auto root = base.root(static_cast<unsigned long>(q));
  return root ? of(root->power(p)) : ExactValue{};
}

ExactValue double_factorial(long n) {
  if (n < 0 || n > 3000) return {};
  Rational out(1);
  for (; n > 1; n -= 2) out = out * Rational(n);
  return of(out);
}

Rational gcd_of(const Rational& a, const Rational& b) {
  Rational out;
  mpz_gcd(mpq_numref(out.raw()), mpq_numref(a.raw()), mpq_numref(b.raw()));
  return out;
}

ExactValue function_of(Function f, const std::vector<const Rational*>& a) {
  Rational out = *a[0];
  switch (f) {
    case Function::max:
    case Function::min:
      for (const Rational* x : a) {
        if ((f == Function::max) == (out < *x)) out = *x;
      }
      return of(out);
    case Function::gcd:
    case Function::lcm:
      for (const Rational* x : a) {
        if (!x->is_integer() || x->is_zero()) return {};
        const Rational g = gcd_of(out, *x);
        out = f == Function::gcd ? g : out * *x / g;
        if (out.bits() > max_bits) return {};
      }
      return of(out.sign() < 0 ? -out : out);
    case Function::sign:
      return of(Rational(out.sign()));
    case Function::real:
    case Function::conjugate:
      return of(out);
    case Function::imag:
      return of(Rational(0));
    default:
      return {};
  }
}

// An endless sum whose first terms have one quotient r, |r| < 1, is the geometric series.
ExactValue geometric(const Tree& tree, int node, long first, Bindings& inner, Budget& budget, int depth) {
  Rational start, previous, quotient;
  for (long k = 0; k < 8; ++k) {
    inner.back().second = Rational(first + k);
    const ExactValue term = exact_value(tree, tree.kid(node, 2), inner, budget, depth + 1);
    if (term.state != State::ok || term.value.is_zero()) return {};
    if (k == 0) start = term.value;
    if (k == 1) quotient = term.value / previous;
    if (k > 1 && !(term.value == previous * quotient)) return {};
    previous = term.value;
  }
  const Rational size = quotient.sign() < 0 ? -quotient : quotient;
  return size < Rational(1) ? of(start / (Rational(1) - quotient)) : ExactValue{};
}

ExactValue sum_of(const Tree& tree, int node, const Bindings& bindings, Budget& budget, int depth) {
  int name = -1;
  const auto range = depth < 3 ? limits(tree, node, bindings, budget, depth, name) : std::nullopt;
  if (!range) return {};
  const bool product = tree.kind(node) == Kind::product;
  Rational total(product ? 1 : 0);
  Bindings inner = bindings;
  inner.emplace_back(name, Rational(0));
  if (tree.kind(tree.bare(tree.kid(node, 1))) == Kind::infinity) {
    return product ? ExactValue{} : geometric(tree, node, range->first, inner, budget, depth);
  }
  for (long k = range->first; k <= range->second; ++k) {
    inner.back().second = Rational(k);
    const ExactValue term = exact_value(tree, tree.kid(node, 2), inner, budget, depth + 1);
    if (term.state != State::ok) return {term.state, {}};
    total = product ? total * term.value : total + term.value;
    budget.spend(10 + static_cast<int64_t>(total.bits()) / 8);
    if (total.bits() > max_bits) return {};
  }
  return of(total);
}

}  // namespace

std::optional<std::pair<long, long>> limits(const Tree& tree, int node, const Bindings& bindings, Budget& budget,
                                            int depth, int& name) {
  const int lower = tree.kid(node, 0), upper = tree.kid(node, 1);
  if (tree.kind(lower) != Kind::relation || tree.at(lower).count != 2 || tree.relation(lower, 0) != Relation::equal ||
      tree.kind(tree.kid(lower, 0)) != Kind::symbol) {
    return std::nullopt;
  }
  name = tree.at(tree.kid(lower, 0)).index;
  const auto first = exact_value(tree, tree.kid(lower, 1), bindings, budget, depth + 1);
  if (first.state != State::ok || !first.value.to_long()) return std::nullopt;
  if (tree.kind(tree.bare(upper)) == Kind::infinity) return std::pair{*first.value.to_long(), -1L};
  const auto last = exact_value(tree, upper, bindings, budget, depth + 1);
  if (last.state != State::ok || !last.value.to_long()) return std::nullopt;
  const long a = *first.value.to_long(), b = *last.value.to_long();
  if (std::labs(a) > 1'000'000 || std::labs(b) > 1'000'000 || b - a > 200'000) return std::nullopt;
  return std::pair{a, b};
}

std::vector<ExactValue> exact_values(const Tree& tree, int root, const Bindings& bindings, Budget& budget, int depth) {
  const std::vector<bool> wanted = tree.below(root);
  std::vector<ExactValue> out(wanted.size());
  std::vector<const Rational*> a;
  budget.spend(10 + root / 4);
  for (int node = 0; node <= root; ++node) {
    const auto i = static_cast<size_t>(node);
    if (!wanted[i]) continue;
    ExactValue& result = out[i];
    const Kind kind = tree.kind(node);
    if (kind == Kind::sum || kind == Kind::product) {
      result = sum_of(tree, node, bindings, budget, depth);
      continue;
    }
    if (kind == Kind::number) {
      result = {State::ok, tree.literal(node).value};
      continue;
    }
    if (kind == Kind::symbol) {
      const auto bound = std::ranges::find(bindings.rbegin(), bindings.rend(), tree.at(node).index,
                                           [](const auto& b) { return b.first; });
      if (bound != bindings.rend()) result = {State::ok, bound->second};
      continue;
    }
    a.clear();
    State worst = State::ok;
    size_t bits = 0;
    for (const int child : tree.kids(node)) {
      const ExactValue& v = out[static_cast<size_t>(child)];
      if (v.state == State::undefined)
        worst = State::undefined;
      else if (v.state != State::ok && worst == State::ok)
        worst = v.state;
      bits += v.value.bits();
      a.push_back(&v.value);
    }
    if (a.empty()) continue;
    if (worst != State::ok) {
      result.state = worst;
      continue;
    }
    budget.spend(8 + static_cast<int64_t>(bits * bits / 60'000));
    const Rational& x = *a[0];
    switch (kind) {
      case Kind::add:
        result = of(x + *a[1]);
        break;
      case Kind::sub:
        result = of(x - *a[1]);
        break;
      case Kind::mul:
        result = of(x * *a[1]);
        break;
      case Kind::div:
        result = a[1]->is_zero() ? ExactValue{State::undefined, {}} : of(x / *a[1]);
        break;
      case Kind::neg:
        result = of(-x);
        break;
      case Kind::paren:
      case Kind::quantity:
        result = {State::ok, x};
        break;
      case Kind::percent:
        result = of(x / Rational(100));
        break;
      case Kind::pow:
        result = power(x, *a[1]);
        if (result.state == State::ok) budget.spend(static_cast<int64_t>(result.value.bits() / 20));
        break;
      case Kind::root: {
        const auto n = a[1]->to_long();
        if (n && *n > 0 && *n < 100'000) {
          budget.spend(static_cast<int64_t>(bits / 10));
          result = of(x.root(static_cast<unsigned long>(*n)));
        }
        break;
      }
      case Kind::factorial:
        if (const auto n = x.to_long()) {
          budget.spend(*n > 0 && *n <= 5000 ? *n * 2 : 0);
          result = of(factorial(*n));
        }
        break;
      case Kind::double_factorial:
        if (const auto n = x.to_long()) {
          budget.spend(std::clamp(*n, 0L, 3000L) * 10);
          result = double_factorial(*n);
        }
        break;
      case Kind::binomial:
        if (const auto k = a[1]->to_long()) {
          budget.spend(std::clamp(*k, 0L, 20'000L) * 4);
          result = of(binomial(x, *k));
        }
        break;
      case Kind::abs:
        result = of(x.sign() < 0 ? -x : x);
        break;
      case Kind::floor:
        result = of(x.floor());
        break;
      case Kind::ceil:
        result = of(-(-x).floor());
        break;
      case Kind::function:
        result = function_of(static_cast<Function>(tree.at(node).op), a);
        break;
      default:
        break;
    }
  }
  return out;
}

ExactValue exact_value(const Tree& tree, int root, const Bindings& bindings, Budget& budget, int depth) {
  return std::move(exact_values(tree, root, bindings, budget, depth)[static_cast<size_t>(root)]);
}

}  // namespace posttrain::mathcheck
