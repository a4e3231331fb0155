// The walk over the nodes of an expression, for balls.
#include <algorithm>

#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

Value Numeric::value(int root, const Bindings& bindings, int depth) const {
  const std::vector<bool> wanted = tree_.below(root);
  std::vector<Value> values;
  values.reserve(wanted.size());
  const Value none = fail(State::unable);
  for (int i = 0; i <= root; ++i) {
    budget_.spend(1);
    if (wanted[static_cast<size_t>(i)])
      values.push_back(node(i, values, bindings, depth));
    else
      values.push_back(none);
  }
  return std::move(values.back());
}

Value Numeric::node(int node, const std::vector<Value>& values, const Bindings& bindings, int depth) const {
  budget_.spend(12 + static_cast<int64_t>(balls_.bits() / 32));
  const Kind kind = tree_.kind(node);
  switch (kind) {
    case Kind::number:
      return real(balls_.of(tree_.literal(node).value));
    case Kind::symbol: {
      const auto bound = std::ranges::find(bindings.rbegin(), bindings.rend(), tree_.at(node).index,
                                           [](const auto& b) { return b.first; });
      return bound == bindings.rend() ? fail(State::unable) : real(balls_.of(bound->second));
    }
    case Kind::pi:
      return real(balls_.pi());
    case Kind::euler:
      return exp(real(balls_.of(1)));
    case Kind::imaginary:
      return {State::ok, balls_.of(0), balls_.of(1), false};
    case Kind::sum:
    case Kind::product:
      return series(node, bindings, depth);
    default:
      break;
  }
  const auto kid = [&](int i) -> const Value& { return values[static_cast<size_t>(tree_.kid(node, i))]; };
  if (tree_.at(node).count == 0) return fail(State::unable);
  State worst = State::ok;
  for (const int child : tree_.kids(node)) {
    const State s = values[static_cast<size_t>(child)].state;
    // Nothing is known of what is made of something huge.
    const State seen = s == State::huge ? State::imprecise : s;
    if (seen == State::undefined || worst == State::ok) worst = seen;
  }
  if (worst != State::ok) {
    const bool passes = kind == Kind::paren || kind == Kind::neg || kind == Kind::quantity;
    return fail(passes ? kid(0).state : worst);
  }
  switch (kind) {
    case Kind::add:
      return add(kid(0), kid(1));
    case Kind::sub:
      return add(kid(0), neg(kid(1)));
    case Kind::mul:
      return mul(kid(0), kid(1));
    case Kind::div:
      return div(kid(0), kid(1));
    case Kind::neg:
      return neg(kid(0));
    case Kind::paren:
    case Kind::quantity:
      return kid(0);
    case Kind::percent:
      return div(kid(0), real(balls_.of(100)));
    case Kind::degree:
      return div(mul(kid(0), real(balls_.pi())), real(balls_.of(180)));
    case Kind::pow: {
      // An odd root written as a fractional power of a negative number is real where all is real.
      const int e = tree_.bare(tree_.kid(node, 1));
      if (!complex_ && kid(0).real && kid(0).re.sign() < 0 && tree_.kind(e) == Kind::div) {
        const auto p = integer(values[static_cast<size_t>(tree_.kid(e, 0))]);
        const auto q = integer(values[static_cast<size_t>(tree_.kid(e, 1))]);
        if (p && q && *q > 0 && *q % 2 == 1) return pow(root(kid(0), real(balls_.of(*q))), real(balls_.of(*p)));
      }
      if (tree_.kind(tree_.bare(tree_.kid(node, 0))) == Kind::euler) return exp(kid(1));
      return pow(kid(0), kid(1));
    }
    case Kind::root:
      return root(kid(0), kid(1));
    case Kind::log_base:
      return div(log(kid(1)), log(kid(0)));
    case Kind::abs: {
      if (kid(0).real) return real(balls_.abs(kid(0).re));
      return real(balls_.sqrt(balls_.add(balls_.mul(kid(0).re, kid(0).re), balls_.mul(kid(0).im, kid(0).im))));
    }
    case Kind::floor:
      return rounded(kid(0), false);
    case Kind::ceil:
      return rounded(kid(0), true);
    case Kind::factorial:
      if (const auto n = integer(kid(0)); n && *n >= 0 && *n <= 1000) {
        budget_.spend(*n);
        return real(balls_.of(*mathcheck::factorial(*n)));
      }
      return fail(State::unable);
    case Kind::double_factorial:
      return fail(State::unable);
    case Kind::binomial: {
      const auto n = integer(kid(0)), k = integer(kid(1));
      if (!n || !k || *k < 0 || *k > 2000) return fail(State::unable);
      budget_.spend(*k * 4);
      const auto b = mathcheck::binomial(Rational(*n), *k);
      return b ? real(balls_.of(*b)) : fail(State::unable);
    }
    case Kind::function: {
      std::vector<const Value*> args;
      for (const int child : tree_.kids(node)) args.push_back(&values[static_cast<size_t>(child)]);
      return function(static_cast<Function>(tree_.at(node).op), args);
    }
    default:
      return fail(State::unable);
  }
}

std::optional<int> sign_of(const Tree& tree, int root, Budget& budget) {
  const ExactValue exact = exact_value(tree, root, {}, budget);
  if (exact.state == State::ok) return exact.value.sign();
  for (const unsigned long bits : {128ul, 512ul}) {
    const Value v = Numeric(tree, bits, false, false, budget).value(root, {});
    if (v.state == State::huge) return 1;
    if (v.state != State::ok || !v.real) return std::nullopt;
    if (v.re.sign() != 0) return v.re.sign();
  }
  return 0;
}

}  // namespace posttrain::mathcheck
