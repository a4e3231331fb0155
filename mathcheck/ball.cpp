#include "mathcheck/ball.h"

#include <algorithm>

namespace posttrain::mathcheck {

namespace {

constexpr long double infinity = std::numeric_limits<long double>::infinity();
constexpr long double kRoundUp = 1.0000000000000002L;  // covers the rounding of a few long double operations

long exponent_of(const Float& x) {
  long exponent = 0;
  mpf_get_d_2exp(&exponent, x.raw());
  return exponent;
}

}  // namespace

long double Float::to_long_double() const {
  long exponent = 0;
  const double m = mpf_get_d_2exp(&exponent, f_);
  if (exponent > 16'000) return m < 0 ? -infinity : infinity;
  if (exponent < -16'000) return 0;
  return std::ldexp(static_cast<long double>(m), static_cast<int>(exponent));
}

long double Float::magnitude() const {
  if (sign() == 0) return 0;
  const long double m = std::fabs(to_long_double());
  return m == 0 ? std::ldexp(1.0L, -16'000) : m * 1.000000000000001L;
}

int Ball::sign() const {
  if (!known() || mid.sign() == 0) return 0;
  // magnitude() rounds up by less than one part in 10^14.
  return mid.magnitude() * 0.99999999999999L > radius ? mid.sign() : 0;
}

Balls::Balls(unsigned long bits) : bits_(bits), work_(bits + 64), epsilon_(std::ldexp(1.0L, -static_cast<int>(bits))) {}

// `scale` is the magnitude that rounding errors are relative to.
Ball Balls::rounded(Float mid, long double radius, long double scale) const {
  const long double total = (radius + scale * epsilon_) * kRoundUp;
  if (!(total < infinity)) return unknown();
  return {std::move(mid), total};
}

Ball Balls::of(const Rational& value) const {
  Float mid(work_);
  mpf_set_q(mid.raw(), value.raw());
  const bool exact = value.is_integer() && value.bits() < bits_;
  const long double scale = exact ? 0 : mid.magnitude();
  return rounded(std::move(mid), 0, scale);
}

Ball Balls::of(long value) const {
  Float mid(work_);
  mpf_set_si(mid.raw(), value);
  return {std::move(mid), 0};
}

Ball Balls::unknown() const {
  return {Float(work_), infinity};
}

namespace {

// The result of adding or multiplying two whole numbers has no rounding error while it fits.
bool exact_integers(const Ball& a, const Ball& b, const Float& result, unsigned long bits) {
  return a.radius == 0 && b.radius == 0 && mpf_integer_p(a.mid.raw()) != 0 && mpf_integer_p(b.mid.raw()) != 0 &&
         exponent_of(result) < static_cast<long>(bits);
}

}  // namespace

Ball Balls::neg(Ball a) const {
  mpf_neg(a.mid.raw(), a.mid.raw());
  return a;
}

Ball Balls::abs(Ball a) const {
  mpf_abs(a.mid.raw(), a.mid.raw());
  return a;
}

Ball Balls::add(const Ball& a, const Ball& b) const {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  Float mid(work_);
  mpf_add(mid.raw(), a.mid.raw(), b.mid.raw());
  if (exact_integers(a, b, mid, bits_)) return {std::move(mid), 0};
  return rounded(std::move(mid), a.radius + b.radius, a.mid.magnitude() + b.mid.magnitude());
}

Ball Balls::sub(const Ball& a, const Ball& b) const {
  return add(a, neg(b));
}

Ball Balls::mul(const Ball& a, const Ball& b) const {
  if (a.is_zero() || b.is_zero()) return a.known() && b.known() ? of(0) : unknown();
  Float mid(work_);
  mpf_mul(mid.raw(), a.mid.raw(), b.mid.raw());
  if (exact_integers(a, b, mid, bits_)) return {std::move(mid), 0};
  const long double ma = a.mid.magnitude(), mb = b.mid.magnitude();
  const long double scale = mid.magnitude();
  return rounded(std::move(mid), ma * b.radius + mb * a.radius + a.radius * b.radius, scale);
}

Ball Balls::div(const Ball& a, const Ball& b) const {
  if (b.contains_zero()) return unknown();
  Float mid(work_);
  mpf_div(mid.raw(), a.mid.raw(), b.mid.raw());
  const long double mb = b.mid.magnitude() * 0.9999999999999L, ma = a.mid.magnitude();
  const long double scale = mid.magnitude();
  return rounded(std::move(mid), (a.radius + ma / mb * b.radius) / (mb - b.radius), scale);
}

Ball Balls::power(const Ball& a, unsigned long n) const {
  Ball result = of(1), square = a;
  for (; n != 0; n >>= 1) {
    if (n & 1) result = mul(result, square);
    if (n > 1) square = mul(square, square);
  }
  return result;
}

Ball Balls::sqrt(const Ball& a) const {
  if (a.is_zero()) return a;
  if (!a.known()) return unknown();
  if (a.sign() <= 0) return {Float(work_), std::sqrt(a.mid.magnitude() + a.radius) * kRoundUp};
  Float mid(work_);
  mpf_sqrt(mid.raw(), a.mid.raw());
  const long double scale = mid.magnitude();
  return rounded(std::move(mid), a.radius / (scale * 0.9999999999999L), scale);
}

Ball Balls::exp(const Ball& a) const {
  if (a.is_zero()) return of(1);
  if (!a.known() || a.radius > 1 || a.mid.magnitude() > 9'000) return unknown();
  Float mid = exp_mid(a.mid);
  const long double scale = mid.magnitude();
  return rounded(std::move(mid), scale * std::expm1(a.radius) * 1.000001L, scale);
}

Ball Balls::log(const Ball& a) const {
  if (a.sign() <= 0) return unknown();
  const long double low = a.mid.magnitude() * 0.9999999999999L - a.radius;
  Float mid = log_mid(a.mid);
  const long double scale = 1 + mid.magnitude();
  return rounded(std::move(mid), a.radius / low, scale);
}

Ball Balls::sin(const Ball& a) const {
  if (a.is_zero()) return a;
  Float sine(work_), cosine(work_);
  if (!a.known() || !sin_cos_mid(a.mid, sine, cosine)) return unknown();
  return rounded(std::move(sine), a.radius, 1 + a.mid.magnitude());
}

Ball Balls::cos(const Ball& a) const {
  Float sine(work_), cosine(work_);
  if (!a.known() || !sin_cos_mid(a.mid, sine, cosine)) return unknown();
  return rounded(std::move(cosine), a.radius, 1 + a.mid.magnitude());
}

Ball Balls::atan(const Ball& a) const {
  if (a.is_zero()) return a;
  if (!a.known()) return unknown();
  return rounded(atan_mid(a.mid), a.radius, 2);
}

Ball Balls::asin(const Ball& a) const {
  if (!a.known()) return unknown();
  const Ball rest = sub(of(1), mul(a, a));
  if (rest.sign() < 0) return unknown();
  if (rest.sign() > 0) return atan(div(a, sqrt(rest)));
  // At an end of the range: arccos(1 - d) <= 2 sqrt(d).
  Ball end = div(pi(), of(a.mid.sign() < 0 ? -2 : 2));
  end.radius += 2 * std::sqrt(rest.mid.magnitude() + rest.radius) * kRoundUp;
  return end;
}

Ball Balls::pi() const {
  Float mid = half_pi();
  mpf_mul_2exp(mid.raw(), mid.raw(), 1);
  return rounded(std::move(mid), 0, 4);
}

// Taylor series of exp at x / 2^12 after taking out k ln 2, then twelve squarings.
Float Balls::exp_mid(const Float& x) const {
  const long k = std::lrint(static_cast<double>(x.to_long_double() / 0.693147180559945309417L));
  Float r(work_), term(work_), sum(work_);
  if (k != 0) {
    mpf_mul_ui(r.raw(), ln2().raw(), static_cast<unsigned long>(std::labs(k)));
    if (k < 0)
      mpf_add(r.raw(), x.raw(), r.raw());
    else
      mpf_sub(r.raw(), x.raw(), r.raw());
  } else {
    mpf_set(r.raw(), x.raw());
  }
  constexpr int halvings = 12;
  mpf_div_2exp(r.raw(), r.raw(), halvings);
  mpf_set_ui(term.raw(), 1);
  mpf_set_ui(sum.raw(), 1);
  for (unsigned long n = 1; n < 1000; ++n) {
    mpf_mul(term.raw(), term.raw(), r.raw());
    mpf_div_ui(term.raw(), term.raw(), n);
    if (term.sign() == 0 || exponent_of(term) < -static_cast<long>(work_)) break;
    mpf_add(sum.raw(), sum.raw(), term.raw());
  }
  for (int i = 0; i < halvings; ++i) mpf_mul(sum.raw(), sum.raw(), sum.raw());
  if (k > 0) mpf_mul_2exp(sum.raw(), sum.raw(), static_cast<unsigned long>(k));
  if (k < 0) mpf_div_2exp(sum.raw(), sum.raw(), static_cast<unsigned long>(-k));
  return sum;
}

// Halley's iteration on exp(y) = m for x = m 2^e: each round triples the correct digits.
Float Balls::log_mid(const Float& x) const {
  long e = 0;
  const double guess = mpf_get_d_2exp(&e, x.raw());
  Float m = x, y(work_), low(work_), high(work_);
  if (e > 0) mpf_div_2exp(m.raw(), m.raw(), static_cast<unsigned long>(e));
  if (e < 0) mpf_mul_2exp(m.raw(), m.raw(), static_cast<unsigned long>(-e));
  mpf_set_d(y.raw(), std::log(guess));
  for (unsigned long good = 40; good < work_; good *= 3) {
    const Float power = exp_mid(y);
    mpf_sub(low.raw(), m.raw(), power.raw());
    mpf_add(high.raw(), m.raw(), power.raw());
    mpf_div(low.raw(), low.raw(), high.raw());
    mpf_mul_2exp(low.raw(), low.raw(), 1);
    mpf_add(y.raw(), y.raw(), low.raw());
  }
  if (e != 0) {
    mpf_mul_ui(low.raw(), ln2().raw(), static_cast<unsigned long>(std::labs(e)));
    if (e < 0)
      mpf_sub(y.raw(), y.raw(), low.raw());
    else
      mpf_add(y.raw(), y.raw(), low.raw());
  }
  return y;
}

bool Balls::sin_cos_mid(const Float& x, Float& sine, Float& cosine) const {
  if (x.magnitude() > 1e12L) return false;
  const long k = std::lrint(static_cast<double>(x.to_long_double() / 1.57079632679489661923L));
  Float r(work_), term(work_), square(work_), s(work_), c(work_);
  mpf_mul_ui(r.raw(), half_pi().raw(), static_cast<unsigned long>(std::labs(k)));
  if (k < 0)
    mpf_add(r.raw(), x.raw(), r.raw());
  else
    mpf_sub(r.raw(), x.raw(), r.raw());
  constexpr int halvings = 8;
  mpf_div_2exp(r.raw(), r.raw(), halvings);
  mpf_mul(square.raw(), r.raw(), r.raw());
  mpf_set(s.raw(), r.raw());
  mpf_set_ui(c.raw(), 1);
  mpf_set_ui(term.raw(), 1);
  for (unsigned long n = 1; n < 1000; ++n) {  // the terms of both series in turn, with their signs
    mpf_mul(term.raw(), term.raw(), r.raw());
    mpf_div_ui(term.raw(), term.raw(), n);
    if (term.sign() == 0 || exponent_of(term) < -static_cast<long>(work_)) break;
    if (n == 1) continue;
    Float& target = n % 2 == 0 ? c : s;
    if (n / 2 % 2 == 1)
      mpf_sub(target.raw(), target.raw(), term.raw());
    else
      mpf_add(target.raw(), target.raw(), term.raw());
  }
  for (int i = 0; i < halvings; ++i) {
    mpf_mul(s.raw(), s.raw(), c.raw());
    mpf_mul_2exp(s.raw(), s.raw(), 1);
    mpf_mul(c.raw(), c.raw(), c.raw());
    mpf_mul_2exp(c.raw(), c.raw(), 1);
    mpf_sub_ui(c.raw(), c.raw(), 1);
  }
  const long quarter = ((k % 4) + 4) % 4;
  mpf_set(sine.raw(), quarter % 2 == 0 ? s.raw() : c.raw());
  mpf_set(cosine.raw(), quarter % 2 == 0 ? c.raw() : s.raw());
  if (quarter >= 2) mpf_neg(sine.raw(), sine.raw());
  if (quarter == 1 || quarter == 2) mpf_neg(cosine.raw(), cosine.raw());
  return true;
}

// atan(x) = 2 atan(x / (1 + sqrt(1 + x^2))) six times, then Taylor.
Float Balls::atan_mid(const Float& x) const {
  Float y = x, root(work_), term(work_), square(work_), sum(work_);
  const bool inverse = x.magnitude() > 1;
  if (inverse) mpf_ui_div(y.raw(), 1, x.raw());
  constexpr int halvings = 6;
  for (int i = 0; i < halvings; ++i) {
    mpf_mul(root.raw(), y.raw(), y.raw());
    mpf_add_ui(root.raw(), root.raw(), 1);
    mpf_sqrt(root.raw(), root.raw());
    mpf_add_ui(root.raw(), root.raw(), 1);
    mpf_div(y.raw(), y.raw(), root.raw());
  }
  mpf_mul(square.raw(), y.raw(), y.raw());
  mpf_set(term.raw(), y.raw());
  mpf_set(sum.raw(), y.raw());
  for (unsigned long n = 3; n < 3000; n += 2) {
    mpf_mul(term.raw(), term.raw(), square.raw());
    if (term.sign() == 0 || exponent_of(term) < -static_cast<long>(work_)) break;
    mpf_div_ui(root.raw(), term.raw(), n);
    if (n % 4 == 3)
      mpf_sub(sum.raw(), sum.raw(), root.raw());
    else
      mpf_add(sum.raw(), sum.raw(), root.raw());
  }
  mpf_mul_2exp(sum.raw(), sum.raw(), halvings);
  if (inverse) {
    Float whole = half_pi();
    if (x.sign() < 0) mpf_neg(whole.raw(), whole.raw());
    mpf_sub(sum.raw(), whole.raw(), sum.raw());
  }
  return sum;
}

// ln 2 = 2 atanh(1/3).
const Float& Balls::ln2() const {
  if (!ln2_) {
    Float sum(work_), term(work_), part(work_);
    mpf_set_ui(term.raw(), 2);
    mpf_div_ui(term.raw(), term.raw(), 3);
    for (unsigned long n = 1; exponent_of(term) > -static_cast<long>(work_); n += 2) {
      mpf_div_ui(part.raw(), term.raw(), n);
      mpf_add(sum.raw(), sum.raw(), part.raw());
      mpf_div_ui(term.raw(), term.raw(), 9);
    }
    ln2_ = std::make_unique<Float>(std::move(sum));
  }
  return *ln2_;
}

// Machin: pi / 4 = 4 atan(1/5) - atan(1/239).
const Float& Balls::half_pi() const {
  if (!half_pi_) {
    Float sum(work_), term(work_), part(work_);
    for (const unsigned long x : {5ul, 239ul}) {
      mpf_set_ui(term.raw(), x == 5 ? 8 : 2);
      mpf_div_ui(term.raw(), term.raw(), x);
      for (unsigned long n = 1; exponent_of(term) > -static_cast<long>(work_); n += 2) {
        mpf_div_ui(part.raw(), term.raw(), n);
        if ((x == 5) == (n % 4 == 1))
          mpf_add(sum.raw(), sum.raw(), part.raw());
        else
          mpf_sub(sum.raw(), sum.raw(), part.raw());
        mpf_div_ui(term.raw(), term.raw(), x * x);
      }
    }
    half_pi_ = std::make_unique<Float>(std::move(sum));
  }
  return *half_pi_;
}

bool disjoint(const Balls& balls, const Ball& a, const Ball& b) {
  return balls.sub(a, b).sign() != 0;
}

}  // namespace posttrain::mathcheck
