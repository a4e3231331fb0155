#include "lean/eval.h"

#include <algorithm>

namespace posttrain::lean {
namespace {

using Value = std::optional<Rational>;
using Truth = std::optional<bool>;

struct Evaluator {
  Budget& budget;
  std::vector<Rational> bound_values = {};

  Value value(const Term& t) {
    budget.pay();
    switch (t->op) {
      case Op::literal:
        return t->value;
      case Op::bound: {
        const auto i = static_cast<size_t>(*t->value.small());
        if (i >= bound_values.size()) return std::nullopt;
        return bound_values[bound_values.size() - 1 - i];
      }
      case Op::variable:
        return std::nullopt;
      case Op::cast:
        return value(t->args[0]);
      case Op::ite: {
        const Truth c = truth(t->args[0]);
        if (!c) return std::nullopt;
        return value(t->args[*c ? 1 : 2]);
      }
      case Op::sum:
      case Op::prod:
        return folded(t);
      case Op::mod:
        if (Value v = power_remainder(t)) return v;
        break;
      default:
        break;
    }
    std::vector<Rational> a;
    for (const Term& arg : t->args) {
      Value v = value(arg);
      if (!v) return v;
      a.push_back(std::move(*v));
    }
    return apply(t, a);
  }

  Value apply(const Term& t, const std::vector<Rational>& a) {
    switch (t->op) {
      case Op::add:
        return a[0] + a[1];
      case Op::sub:
        if (t->sort == Sort::nat && a[0] < a[1]) return Rational(0);
        return a[0] - a[1];
      case Op::mul:
        return a[0] * a[1];
      case Op::div:
        return is_integral(t->sort) ? Rational::euclidean_div(a[0], a[1]) : a[0] / a[1];
      case Op::mod:
        return Rational::euclidean_mod(a[0], a[1]);
      case Op::pow:
        return power(a[0], a[1]);
      case Op::neg:
        return -a[0];
      case Op::inv:
        return Rational(1) / a[0];
      case Op::abs:
        return a[0].sign() < 0 ? -a[0] : a[0];
      case Op::sqrt: {
        if (a[0].sign() <= 0) return Rational(0);  // Real.sqrt of a negative number is 0
        const Rational n = Rational::square_root(a[0].numerator()), d = Rational::square_root(a[0].denominator());
        if (n * n != a[0].numerator() || d * d != a[0].denominator()) return std::nullopt;
        return n / d;
      }
      case Op::nat_sqrt:
        return Rational::square_root(a[0]);
      case Op::gcd:
        return Rational::gcd(a[0], a[1]);
      case Op::lcm:
        return a[0].is_zero() || a[1].is_zero() ? Rational(0) : a[0] * a[1] / Rational::gcd(a[0], a[1]);
      case Op::factorial:
        return factorial(a[0]);
      case Op::choose:
        return choose(a[0], a[1]);
      case Op::min:
        return std::min(a[0], a[1]);
      case Op::max:
        return std::max(a[0], a[1]);
      default:
        return std::nullopt;
    }
  }

  static Rational power(const Rational& base, const Rational& exponent) {
    if (exponent.is_zero() || base.is_one()) return 1;
    if (base.is_zero()) return 0;
    const auto e = exponent.small();
    if (!e) throw OutOfBudget("an exponent is too large");
    return base.power(static_cast<uint64_t>(*e));
  }

  Rational factorial(const Rational& n) {
    const auto v = n.small();
    if (!v || *v > 3000) throw OutOfBudget("a factorial is too large");
    Rational out = 1;
    for (int64_t i = 2; i <= *v; ++i) {
      budget.pay();
      out *= i;
    }
    return out;
  }

  Rational choose(const Rational& n, const Rational& k) {
    if (k > n) return 0;
    const auto v = std::min(k, n - k).small();
    if (!v || *v > 3000) throw OutOfBudget("a binomial is too large");
    Rational out = 1;
    for (int64_t i = 0; i < *v; ++i) {
      budget.pay();
      out = out * (n - Rational(i)) / Rational(i + 1);
    }
    return out;
  }

  // x ^ e % m without the power itself, through sums, products and differences of integers.
  Value power_remainder(const Term& t) {
    if (t->args[0]->size < 3) return std::nullopt;
    const Value m = value(t->args[1]);
    if (!m || m->sign() <= 0) return std::nullopt;
    return remainder(t->args[0], *m);
  }

  Value remainder(const Term& t, const Rational& m) {
    budget.pay();
    if (t->op == Op::pow) {
      const Value base = remainder(t->args[0], m), exponent = value(t->args[1]);
      if (!base || !exponent) return std::nullopt;
      return Rational::power_mod(*base, *exponent, m);
    }
    const bool linear = t->op == Op::add || t->op == Op::mul || (t->op == Op::sub && t->sort == Sort::integer);
    if (linear) {
      const Value a = remainder(t->args[0], m), b = remainder(t->args[1], m);
      if (!a || !b) return std::nullopt;
      return Rational::euclidean_mod(*apply(t, {*a, *b}), m);
    }
    Value v = value(t);
    if (!v) return v;
    return Rational::euclidean_mod(*v, m);
  }

  Value folded(const Term& t) {
    const Value low = value(t->args[0]), high = value(t->args[1]);
    if (!low || !high) return std::nullopt;
    Rational out = t->op == Op::sum ? 0 : 1;
    for (Rational k = *low; k < *high; k += 1) {
      budget.pay();
      bound_values.push_back(k);
      Value v = value(t->args[2]);
      bound_values.pop_back();
      if (!v) return v;
      out = t->op == Op::sum ? out + *v : out * *v;
    }
    return out;
  }

  Truth truth(const Term& t) {
    budget.pay();
    switch (t->op) {
      case Op::true_:
        return true;
      case Op::false_:
        return false;
      case Op::and_:
      case Op::or_:
      case Op::imp: {
        const Truth a = truth(t->args[0]);
        // A side with the decisive truth settles the whole; an implication is ¬a ∨ b.
        const Truth left = a && t->op == Op::imp ? Truth(!*a) : a;
        const bool decisive = t->op != Op::and_;
        if (left && *left == decisive) return decisive;
        const Truth b = truth(t->args[1]);
        if (b && *b == decisive) return decisive;
        if (!left || !b) return std::nullopt;
        return !decisive;
      }
      case Op::iff: {
        const Truth a = truth(t->args[0]), b = truth(t->args[1]);
        if (!a || !b) return std::nullopt;
        return *a == *b;
      }
      case Op::eq:
      case Op::le:
      case Op::lt:
      case Op::dvd: {
        const Value a = value(t->args[0]), b = value(t->args[1]);
        if (!a || !b) return std::nullopt;
        if (t->op == Op::dvd) return a->is_zero() ? b->is_zero() : Rational::euclidean_mod(*b, *a).is_zero();
        const int c = compare(*a, *b);
        return t->op == Op::eq ? c == 0 : t->op == Op::le ? c <= 0 : c < 0;
      }
      case Op::prime: {
        const Value a = value(t->args[0]);
        if (!a) return std::nullopt;
        return Rational::is_prime(*a, budget);
      }
      case Op::forall:
      case Op::exists:
        return ranged(t);
      default:
        return std::nullopt;
    }
  }

  // Reads bounds such as `low ≤ x` from the hypotheses (of ∀) or conjuncts (of ∃) that stand first.
  void read_bounds(const Term& guard, Value& low, Value& high) {
    if (guard->op == Op::and_) {
      read_bounds(guard->args[0], low, high);
      read_bounds(guard->args[1], low, high);
      return;
    }
    if (guard->op != Op::le && guard->op != Op::lt && guard->op != Op::eq) return;
    const auto is_it = [](const Term& t) { return t->op == Op::bound && t->value.is_zero(); };
    const Rational strict = guard->op == Op::lt ? 1 : 0;
    for (const bool left : {true, false}) {
      const Term& x = guard->args[left ? 0 : 1];
      const Term& other = guard->args[left ? 1 : 0];
      if (!is_it(x) || other->loose != 0) continue;
      const Value v = value(other);
      if (!v || !v->is_integer()) continue;
      if (left || guard->op == Op::eq) high = high ? std::min(*high, *v - strict) : *v - strict;
      if (!left || guard->op == Op::eq) low = low ? std::max(*low, *v + strict) : *v + strict;
    }
  }

  Truth ranged(const Term& t) {
    if (!is_integral(t->binder)) return std::nullopt;
    Value low, high;
    if (t->binder == Sort::nat) low = 0;
    const bool all = t->op == Op::forall;
    Term rest = t->args[0];
    while (rest->op == (all ? Op::imp : Op::and_)) {
      read_bounds(rest->args[0], low, high);
      rest = rest->args[1];
    }
    if (!all) read_bounds(rest, low, high);
    if (!low || !high) return std::nullopt;
    for (Rational k = *low; k <= *high; k += 1) {
      budget.pay();
      bound_values.push_back(k);
      const Truth v = truth(t->args[0]);
      bound_values.pop_back();
      if (!v) return v;
      if (*v != all) return !all;
    }
    return all;
  }
};

}  // namespace

std::optional<Rational> evaluate(const Term& t, Budget& budget) {
  return Evaluator{budget}.value(t);
}

std::optional<bool> decide(const Term& formula, Budget& budget) {
  return Evaluator{budget}.truth(formula);
}

}  // namespace posttrain::lean
