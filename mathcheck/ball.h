// Real numbers with a proven error bound: a midpoint of chosen precision and a radius around it.
#pragma once

#include <gmp.h>

#include <cmath>
#include <limits>
#include <memory>

#include "mathcheck/number.h"

namespace posttrain::mathcheck {

// A value type over mpf_t whose precision is set when it is made.
class Float {
 public:
  explicit Float(unsigned long bits) { mpf_init2(f_, bits); }
  Float(const Float& other) {
    mpf_init2(f_, mpf_get_prec(other.f_));
    mpf_set(f_, other.f_);
  }
  Float& operator=(const Float& other) {
    if (this != &other) mpf_set(f_, other.f_);
    return *this;
  }
  Float(Float&& other) noexcept : Float(mpf_get_prec(other.f_)) { mpf_swap(f_, other.f_); }
  Float& operator=(Float&& other) noexcept {
    mpf_swap(f_, other.f_);
    return *this;
  }
  ~Float() { mpf_clear(f_); }
  mpf_ptr raw() { return f_; }
  mpf_srcptr raw() const { return f_; }
  int sign() const { return mpf_sgn(f_); }
  // |value| rounded up a little; infinity beyond the range of long double.
  long double magnitude() const;
  long double to_long_double() const;

 private:
  mpf_t f_;
};

// The true value lies within `radius` of `mid`. An infinite radius says that nothing is known.
struct Ball {
  Float mid;
  long double radius = 0;

  bool known() const { return std::isfinite(radius); }
  bool is_zero() const { return radius == 0 && mid.sign() == 0; }
  // +1 or -1 when every value has that sign, else 0.
  int sign() const;
  bool contains_zero() const { return sign() == 0; }
};

// Arithmetic at one precision. Not shared between threads.
class Balls {
 public:
  explicit Balls(unsigned long bits);
  unsigned long bits() const { return bits_; }

  Ball of(const Rational& value) const;
  Ball of(long value) const;
  Ball unknown() const;

  Ball neg(Ball a) const;
  Ball abs(Ball a) const;
  Ball add(const Ball& a, const Ball& b) const;
  Ball sub(const Ball& a, const Ball& b) const;
  Ball mul(const Ball& a, const Ball& b) const;
  Ball div(const Ball& a, const Ball& b) const;
  Ball power(const Ball& a, unsigned long n) const;
  Ball sqrt(const Ball& a) const;  // of a ball that reaches below 0: of its part that does not
  Ball exp(const Ball& a) const;
  Ball log(const Ball& a) const;  // unknown unless a > 0
  Ball sin(const Ball& a) const;
  Ball cos(const Ball& a) const;
  Ball atan(const Ball& a) const;
  Ball asin(const Ball& a) const;  // unknown unless |a| <= 1
  Ball pi() const;

 private:
  Ball rounded(Float mid, long double radius, long double scale) const;
  const Float& ln2() const;
  const Float& half_pi() const;
  Float exp_mid(const Float& x) const;
  Float log_mid(const Float& x) const;
  Float atan_mid(const Float& x) const;
  // Sine and cosine of x; false when x is too large to be reduced.
  bool sin_cos_mid(const Float& x, Float& sine, Float& cosine) const;

  unsigned long bits_, work_;  // results are good to bits_, computed with work_
  long double epsilon_;
  mutable std::unique_ptr<Float> ln2_, half_pi_;  // computed when first asked for
};

// True when no value lies in both.
bool disjoint(const Balls& balls, const Ball& a, const Ball& b);

}  // namespace posttrain::mathcheck
