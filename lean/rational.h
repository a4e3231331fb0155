// Exact rationals for the proof kernel: 64-bit parts while they fit, GMP beyond. Only rational.cpp sees GMP.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace posttrain::lean {

// A proof step used more than it may: steps, digits, terms, depth. The verdict is then "undecided", never "right".
class OutOfBudget : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Steps left to one proof check. Everything that loops or recurses pays here.
class Budget {
 public:
  explicit Budget(int64_t steps) : left_(steps) {}
  void pay(int64_t steps = 1) {
    left_ -= steps;
    if (left_ < 0) throw OutOfBudget("out of steps");
  }
  int64_t left() const { return left_; }

 private:
  int64_t left_;
};

// Always in lowest terms with a positive denominator. Division by zero gives zero, as in Lean's fields.
// Throws OutOfBudget when a part would exceed max_bits.
class Rational {
 public:
  static constexpr int64_t max_bits = 1 << 15;

  Rational() = default;
  Rational(int64_t n) : num_(n) {}  // NOLINT: literals read as numbers
  Rational(int64_t n, int64_t d);
  // Decimal digits only; nothing else is accepted.
  static std::optional<Rational> from_digits(std::string_view digits);

  friend Rational operator+(const Rational& a, const Rational& b);
  friend Rational operator-(const Rational& a, const Rational& b);
  friend Rational operator*(const Rational& a, const Rational& b);
  friend Rational operator/(const Rational& a, const Rational& b);
  Rational operator-() const { return Rational(0) - *this; }
  Rational& operator+=(const Rational& b) { return *this = *this + b; }
  Rational& operator-=(const Rational& b) { return *this = *this - b; }
  Rational& operator*=(const Rational& b) { return *this = *this * b; }
  friend int compare(const Rational& a, const Rational& b);
  friend bool operator==(const Rational& a, const Rational& b) { return compare(a, b) == 0; }
  friend bool operator!=(const Rational& a, const Rational& b) { return compare(a, b) != 0; }
  friend bool operator<(const Rational& a, const Rational& b) { return compare(a, b) < 0; }
  friend bool operator<=(const Rational& a, const Rational& b) { return compare(a, b) <= 0; }
  friend bool operator>(const Rational& a, const Rational& b) { return compare(a, b) > 0; }
  friend bool operator>=(const Rational& a, const Rational& b) { return compare(a, b) >= 0; }

  int sign() const;
  bool is_zero() const { return !big_ && num_ == 0; }
  bool is_one() const { return !big_ && num_ == 1 && den_ == 1; }
  bool is_integer() const;
  // The value when it is an integer that fits.
  std::optional<int64_t> small() const;
  Rational floor() const;
  Rational numerator() const;
  Rational denominator() const;
  Rational power(uint64_t exponent) const;
  std::string text() const;
  uint64_t hash() const;

  // Of integers. gcd(0, 0) = 0; mod is Lean's: Euclidean, x % 0 = x; div: x / 0 = 0.
  static Rational gcd(const Rational& a, const Rational& b);
  static Rational euclidean_div(const Rational& a, const Rational& b);
  static Rational euclidean_mod(const Rational& a, const Rational& b);
  // base ^ exponent % modulus for integers, exponent >= 0, modulus > 0.
  static Rational power_mod(const Rational& base, const Rational& exponent, const Rational& modulus);
  // Exact test by trial division for a value below 10^12, otherwise nothing.
  static std::optional<bool> is_prime(const Rational& n, Budget& budget);
  // The largest s with s * s <= n, for an integer n >= 0.
  static Rational square_root(const Rational& n);

 private:
  struct Big;
  static Rational from_big(std::shared_ptr<Big> big);
  std::shared_ptr<Big> promote() const;

  int64_t num_ = 0, den_ = 1;
  std::shared_ptr<const Big> big_;
};

}  // namespace posttrain::lean
