// Values as balls: real by default, complex where i appears.
#include <algorithm>
#include <cmath>

#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

Value Numeric::real(Ball ball) const {
  const State state = ball.known() ? State::ok : State::imprecise;
  return {state, std::move(ball), balls_.of(0), true};
}

Value Numeric::fail(State state) const {
  return {state, balls_.of(0), balls_.of(0), true};
}

Value Numeric::add(const Value& a, const Value& b) const {
  if (a.state != State::ok) return a;
  if (b.state != State::ok) return b;
  Value out = real(balls_.add(a.re, b.re));
  if (a.real && b.real) return out;
  out.im = balls_.add(a.im, b.im);
  out.real = false;
  return out;
}

Value Numeric::neg(Value a) const {
  a.re = balls_.neg(std::move(a.re));
  a.im = balls_.neg(std::move(a.im));
  return a;
}

Value Numeric::mul(const Value& a, const Value& b) const {
  if (a.state != State::ok) return a;
  if (b.state != State::ok) return b;
  if (a.real && b.real) return real(balls_.mul(a.re, b.re));
  Value out = real(balls_.sub(balls_.mul(a.re, b.re), balls_.mul(a.im, b.im)));
  out.im = balls_.add(balls_.mul(a.re, b.im), balls_.mul(a.im, b.re));
  out.real = false;
  return out;
}

Value Numeric::div(const Value& a, const Value& b) const {
  if (a.state != State::ok) return a;
  if (b.state != State::ok) return b;
  if (b.real) {
    if (b.re.is_zero()) return fail(State::undefined);
    Value out = real(balls_.div(a.re, b.re));
    if (!a.real) out.im = balls_.div(a.im, b.re);
    out.real = a.real;
    return out;
  }
  const Ball norm = balls_.add(balls_.mul(b.re, b.re), balls_.mul(b.im, b.im));
  if (norm.contains_zero()) return fail(norm.is_zero() ? State::undefined : State::imprecise);
  Value conjugate = b;
  conjugate.im = balls_.neg(conjugate.im);
  Value out = mul(a, conjugate);
  out.re = balls_.div(out.re, norm);
  out.im = balls_.div(out.im, norm);
  return out;
}

Value Numeric::exp(const Value& a) const {
  if (a.state != State::ok) return a;
  budget_.spend(200 + static_cast<int64_t>(balls_.bits() * balls_.bits() / 250));
  if (a.re.known() && a.re.mid.magnitude() > 9'000) {
    return fail(a.re.mid.sign() > 0 ? State::huge : State::imprecise);
  }
  const Ball size = balls_.exp(a.re);
  if (a.real) return real(size);
  Value out = real(balls_.mul(size, balls_.cos(a.im)));
  out.im = balls_.mul(size, balls_.sin(a.im));
  out.real = false;
  return out;
}

Value Numeric::log(const Value& a) const {
  if (a.state != State::ok) return a;
  budget_.spend(600 + static_cast<int64_t>(balls_.bits() * balls_.bits() / 60));
  if (a.real && a.re.is_zero()) return fail(State::undefined);
  if (a.real && a.re.sign() > 0) return real(balls_.log(a.re));
  if (!complex_) return fail(a.re.sign() < 0 ? State::undefined : State::imprecise);
  const Ball norm = balls_.add(balls_.mul(a.re, a.re), balls_.mul(a.im, a.im));
  Value out = real(balls_.div(balls_.log(norm), balls_.of(2)));
  out.real = false;
  // The angle in (-pi, pi].
  if (a.re.sign() > 0) {
    out.im = balls_.atan(balls_.div(a.im, a.re));
  } else if (a.im.sign() != 0) {
    const Ball quarter = balls_.div(balls_.pi(), balls_.of(a.im.sign() > 0 ? 2 : -2));
    out.im = balls_.sub(quarter, balls_.atan(balls_.div(a.re, a.im)));
  } else if (a.im.is_zero() && a.re.sign() < 0) {
    out.im = balls_.pi();
  } else {
    return fail(State::imprecise);
  }
  return out;
}

std::optional<long> Numeric::integer(const Value& a) const {
  if (!a.real || a.re.radius != 0 || mpf_integer_p(a.re.mid.raw()) == 0 || mpf_fits_slong_p(a.re.mid.raw()) == 0) {
    return std::nullopt;
  }
  return mpf_get_si(a.re.mid.raw());
}

Value Numeric::integer_power(const Value& a, long n) const {
  const auto count = static_cast<unsigned long>(std::labs(n));
  budget_.spend(
      10 + static_cast<int64_t>(std::log2(static_cast<double>(count) + 1) * static_cast<double>(balls_.bits()) / 40));
  Value out = real(balls_.of(1));
  if (a.real) {
    const long double size = a.re.mid.magnitude();
    if (size > 0 && std::fabs(std::log2(size)) * static_cast<long double>(count) > 13'000) {
      const bool large = (size > 1) == (n > 0);
      return fail(large && a.re.sign() != 0 && (size > 1.001L || size < 0.999L) ? State::huge : State::imprecise);
    }
    out = real(balls_.power(a.re, count));
  } else {
    Value square = a;
    for (unsigned long left = count; left != 0; left >>= 1) {
      if (left & 1) out = mul(out, square);
      if (left > 1) square = mul(square, square);
    }
  }
  return n < 0 ? div(real(balls_.of(1)), out) : out;
}

Value Numeric::pow(const Value& a, const Value& b) const {
  if (a.state != State::ok) return a;
  if (b.state != State::ok) return b;
  if (const auto n = integer(b); n && std::labs(*n) <= 100'000'000) {
    if (a.real && a.re.is_zero() && *n <= 0) return fail(State::undefined);
    return integer_power(a, *n);
  }
  if (a.real && a.re.is_zero()) return b.real && b.re.sign() > 0 ? a : fail(State::imprecise);
  if (a.real && a.re.sign() < 0 && !complex_) return fail(State::undefined);
  return exp(mul(b, log(a)));
}

Value Numeric::root(const Value& a, const Value& index) const {
  if (a.state != State::ok) return a;
  if (index.state != State::ok) return index;
  budget_.spend(50);
  const auto n = integer(index);
  if (!n || *n < 1 || *n > 100'000) return pow(a, div(real(balls_.of(1)), index));
  if (a.real && a.re.is_zero()) return a;
  if (a.real && (a.re.sign() > 0 || (a.re.sign() == 0 && *n % 2 == 0))) {
    if (*n == 2) return real(balls_.sqrt(a.re));
    if (a.re.sign() == 0) return fail(State::imprecise);
    return exp(div(log(a), index));
  }
  if (a.real && a.re.sign() < 0 && *n % 2 == 1 && !complex_) return neg(exp(div(log(neg(a)), index)));
  if (!complex_) return fail(a.re.sign() < 0 ? State::undefined : State::imprecise);
  if (a.real && *n == 2) {
    Value out = real(balls_.of(0));
    out.im = balls_.sqrt(balls_.abs(a.re));
    out.real = false;
    return out;
  }
  return exp(div(log(a), index));
}

Value Numeric::trigonometric(Function f, const Value& a) const {
  budget_.spend(400 + static_cast<int64_t>(balls_.bits() * balls_.bits() / 200));
  const Value one = real(balls_.of(1));
  if (a.state != State::ok) return a;
  Value sine = one, cosine = one;
  if (a.real) {
    sine = real(balls_.sin(a.re));
    cosine = real(balls_.cos(a.re));
  } else {
    Value turned = {State::ok, balls_.neg(a.im), a.re, false};
    const Value up = exp(turned), down = exp(neg(turned));
    if (up.state != State::ok || down.state != State::ok) return fail(State::imprecise);
    const Value two_i = {State::ok, balls_.of(0), balls_.of(2), false};
    sine = div(add(up, neg(down)), two_i);
    cosine = div(add(up, down), real(balls_.of(2)));
  }
  switch (f) {
    case Function::sin:
      return sine;
    case Function::cos:
      return cosine;
    case Function::tan:
      return div(sine, cosine);
    case Function::cot:
      return div(cosine, sine);
    case Function::sec:
      return div(one, cosine);
    default:
      return div(one, sine);
  }
}

Value Numeric::inverse(Function f, const Value& a) const {
  if (a.state != State::ok) return a;
  budget_.spend(400 + static_cast<int64_t>(balls_.bits() * balls_.bits() / 200));
  if (!a.real) return fail(State::unable);
  const Ball half_pi = balls_.div(balls_.pi(), balls_.of(2));
  const auto arcsine = [&](const Ball& x) {
    const Value out = real(balls_.asin(x));
    return out.state == State::ok || balls_.sub(balls_.of(1), balls_.mul(x, x)).sign() >= 0 ? out
                                                                                            : fail(State::undefined);
  };
  const bool flipped = f == Function::asec || f == Function::acsc;
  if (flipped && a.re.contains_zero()) return fail(a.re.is_zero() ? State::undefined : State::imprecise);
  const Ball x = flipped ? balls_.div(balls_.of(1), a.re) : a.re;
  switch (f) {
    case Function::atan:
      return real(balls_.atan(x));
    case Function::acot:
      return real(balls_.sub(half_pi, balls_.atan(x)));
    case Function::asin:
    case Function::acsc:
      return arcsine(x);
    default: {
      const Value s = arcsine(x);
      return s.state == State::ok ? real(balls_.sub(half_pi, s.re)) : s;
    }
  }
}

Value Numeric::function(Function f, std::span<const Value* const> args) const {
  const Value& a = *args[0];
  const Value one = real(balls_.of(1));
  if (f <= Function::csc) return trigonometric(f, a);
  if (f <= Function::acsc) return inverse(f, a);
  switch (f) {
    case Function::exp:
      return exp(a);
    case Function::ln:
      return log(a);
    case Function::log:
      return log_is_ten_ ? div(log(a), log(real(balls_.of(10)))) : log(a);
    case Function::sinh:
    case Function::cosh:
    case Function::tanh: {
      const Value up = exp(a), down = exp(neg(a));
      if (up.state != State::ok || down.state != State::ok) return fail(State::imprecise);
      const Value s = add(up, neg(down)), c = add(up, down);
      if (f == Function::tanh) return div(s, c);
      return div(f == Function::sinh ? s : c, real(balls_.of(2)));
    }
    case Function::asinh:
      return log(add(a, root(add(mul(a, a), one), real(balls_.of(2)))));
    case Function::acosh:
      return log(add(a, root(add(mul(a, a), neg(one)), real(balls_.of(2)))));
    case Function::atanh:
      return div(log(div(add(one, a), add(one, neg(a)))), real(balls_.of(2)));
    case Function::max:
    case Function::min: {
      const Value* best = args[0];
      for (const Value* x : args.subspan(1)) {
        if (!x->real || !best->real) return fail(State::unable);
        const int order = balls_.sub(x->re, best->re).sign();
        if (order == 0 && !(x->re.radius == 0 && best->re.radius == 0)) return fail(State::imprecise);
        if ((f == Function::max) == (order > 0)) best = x;
      }
      return *best;
    }
    case Function::real:
      return real(a.re);
    case Function::imag:
      return real(a.im);
    case Function::conjugate: {
      Value out = a;
      out.im = balls_.neg(out.im);
      return out;
    }
    case Function::sign:
      return a.real && a.re.sign() != 0 ? real(balls_.of(a.re.sign())) : fail(State::imprecise);
    default:
      return fail(State::unable);
  }
}

Value Numeric::rounded(const Value& a, bool up) const {
  if (!a.real) return fail(State::unable);
  Ball low = a.re, high = a.re;
  Float radius(balls_.bits());
  mpf_set_d(radius.raw(), static_cast<double>(a.re.radius) * 1.000001);
  mpf_sub(low.mid.raw(), a.re.mid.raw(), radius.raw());
  mpf_add(high.mid.raw(), a.re.mid.raw(), radius.raw());
  for (Ball* end : {&low, &high}) {
    if (up)
      mpf_ceil(end->mid.raw(), end->mid.raw());
    else
      mpf_floor(end->mid.raw(), end->mid.raw());
    end->radius = 0;
  }
  return mpf_cmp(low.mid.raw(), high.mid.raw()) == 0 ? real(low) : fail(State::imprecise);
}

// Sums and products; an infinite sum only where its terms shrink at least geometrically.
Value Numeric::series(int node, const Bindings& bindings, int depth) const {
  int name = -1;
  const auto range = depth < 3 ? limits(tree_, node, bindings, budget_, depth, name) : std::nullopt;
  if (!range) return fail(State::unable);
  const bool endless = tree_.kind(tree_.bare(tree_.kid(node, 1))) == Kind::infinity;
  const bool product = tree_.kind(node) == Kind::product;
  if (endless && product) return fail(State::unable);
  Bindings inner = bindings;
  inner.emplace_back(name, Rational(0));
  Value total = real(balls_.of(product ? 1 : 0));
  long double previous = 0, ratio = 1;
  const long last = endless ? range->first + 4000 : range->second;
  for (long k = range->first; k <= last; ++k) {
    inner.back().second = Rational(k);
    const Value term = value(tree_.kid(node, 2), inner, depth + 1);
    if (term.state != State::ok) return fail(term.state);
    total = product ? mul(total, term) : add(total, term);
    if (total.state != State::ok) return total;
    if (!endless) continue;
    const long double size = term.re.mid.magnitude() + term.re.radius + term.im.mid.magnitude();
    // The largest quotient lately, with some distrust, bounds those still to come.
    ratio = std::max(previous > 0 ? size / previous : 1, ratio * 0.98L);
    previous = size;
    if (k - range->first < 8 || ratio > 0.95L) continue;
    if (size < std::ldexp(1.0L, -static_cast<int>(balls_.bits()))) {
      total.re.radius += size * 20;
      return total;
    }
  }
  return endless ? fail(State::unable) : total;
}

}  // namespace posttrain::mathcheck
