// Exact integers and rationals of any size. The one door to GMP, together with ball.cpp.
#pragma once

#include <gmp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posttrain::mathcheck {

// No result may have a numerator or denominator longer than this; the powers that would are not computed.
constexpr size_t max_bits = 60'000;

// A value type over mpq_t, always in lowest terms.
class Rational {
 public:
  Rational() { mpq_init(q_); }
  Rational(long n) : Rational() { mpq_set_si(q_, n, 1); }  // NOLINT: numbers convert
  Rational(long n, unsigned long d) : Rational() {
    mpq_set_si(q_, n, d);
    mpq_canonicalize(q_);
  }
  Rational(const Rational& other) : Rational() { mpq_set(q_, other.q_); }
  Rational(Rational&& other) noexcept : Rational() { mpq_swap(q_, other.q_); }
  Rational& operator=(const Rational& other) {
    mpq_set(q_, other.q_);
    return *this;
  }
  Rational& operator=(Rational&& other) noexcept {
    mpq_swap(q_, other.q_);
    return *this;
  }
  ~Rational() { mpq_clear(q_); }

  // Digits of `base` (2..36, letters in either case), no sign, no point. Empty when a digit does not fit.
  static std::optional<Rational> from_digits(std::string_view digits, int base);
  // 10^exponent, |exponent| <= 10000.
  static Rational power_of_ten(long exponent);

  bool is_integer() const { return mpz_cmp_ui(mpq_denref(q_), 1) == 0; }
  bool is_zero() const { return mpq_sgn(q_) == 0; }
  int sign() const { return mpq_sgn(q_); }
  size_t bits() const { return mpz_sizeinbase(mpq_numref(q_), 2) + mpz_sizeinbase(mpq_denref(q_), 2); }
  // The value when it is an integer that fits in a long.
  std::optional<long> to_long() const;
  double to_double() const { return mpq_get_d(q_); }
  // "n" or "n/d"; numbers of more than 60 digits are told by their size.
  std::string to_string() const;

  Rational operator-() const;
  friend Rational operator+(const Rational& a, const Rational& b);
  friend Rational operator-(const Rational& a, const Rational& b);
  friend Rational operator*(const Rational& a, const Rational& b);
  friend Rational operator/(const Rational& a, const Rational& b);  // b != 0
  friend bool operator==(const Rational& a, const Rational& b) { return mpq_equal(a.q_, b.q_) != 0; }
  friend int compare(const Rational& a, const Rational& b) { return mpq_cmp(a.q_, b.q_); }
  friend bool operator<(const Rational& a, const Rational& b) { return mpq_cmp(a.q_, b.q_) < 0; }

  Rational floor() const;
  // Empty when the result would be longer than max_bits, or 0 to a negative power.
  std::optional<Rational> power(long exponent) const;
  // The exact n-th root (n >= 1) when there is one; of a negative number only for odd n.
  std::optional<Rational> root(unsigned long n) const;
  // The value modulo the prime p (p > 2); empty when the denominator is 0 there.
  std::optional<uint64_t> modulo(uint64_t p) const;
  // A non-negative integer modulo m, for exponents.
  uint64_t integer_modulo(uint64_t m) const;

  mpq_srcptr raw() const { return q_; }
  mpq_ptr raw() { return q_; }

 private:
  mpq_t q_;
};

// Empty when the result would be longer than max_bits.
std::optional<Rational> factorial(long n);
std::optional<Rational> binomial(const Rational& n, long k);

}  // namespace posttrain::mathcheck
