#include "mathcheck/number.h"

#include <cmath>
#include <cstdlib>

namespace posttrain::mathcheck {

std::optional<Rational> Rational::from_digits(std::string_view digits, int base) {
  if (digits.empty() || digits.size() > max_bits / 6) return std::nullopt;
  Rational out;
  const std::string text(digits);
  if (mpz_set_str(mpq_numref(out.q_), text.c_str(), base) != 0) return std::nullopt;
  return out;
}

Rational Rational::power_of_ten(long exponent) {
  Rational out;
  mpz_ui_pow_ui(mpq_numref(out.q_), 10, static_cast<unsigned long>(std::labs(exponent)));
  if (exponent < 0)
    mpq_inv(out.q_, out.q_);
  else
    mpz_set_ui(mpq_denref(out.q_), 1);
  return out;
}

std::optional<long> Rational::to_long() const {
  if (!is_integer() || mpz_fits_slong_p(mpq_numref(q_)) == 0) return std::nullopt;
  return mpz_get_si(mpq_numref(q_));
}

std::string Rational::to_string() const {
  if (bits() > 200) return "<number of " + std::to_string(bits()) + " bits>";
  std::string out(mpz_sizeinbase(mpq_numref(q_), 10) + mpz_sizeinbase(mpq_denref(q_), 10) + 3, '\0');
  mpq_get_str(out.data(), 10, q_);
  out.resize(out.find('\0'));
  return out;
}

Rational Rational::operator-() const {
  Rational out;
  mpq_neg(out.q_, q_);
  return out;
}

Rational operator+(const Rational& a, const Rational& b) {
  Rational out;
  mpq_add(out.q_, a.q_, b.q_);
  return out;
}

Rational operator-(const Rational& a, const Rational& b) {
  Rational out;
  mpq_sub(out.q_, a.q_, b.q_);
  return out;
}

Rational operator*(const Rational& a, const Rational& b) {
  Rational out;
  mpq_mul(out.q_, a.q_, b.q_);
  return out;
}

Rational operator/(const Rational& a, const Rational& b) {
  Rational out;
  mpq_div(out.q_, a.q_, b.q_);
  return out;
}

Rational Rational::floor() const {
  Rational out;
  mpz_fdiv_q(mpq_numref(out.q_), mpq_numref(q_), mpq_denref(q_));
  return out;
}

std::optional<Rational> Rational::power(long exponent) const {
  if (is_zero()) {
    if (exponent < 0) return std::nullopt;
    return Rational(exponent == 0 ? 1 : 0);
  }
  const bool unit = is_integer() && mpz_cmpabs_ui(mpq_numref(q_), 1) == 0;
  if (unit) return Rational(sign() > 0 || exponent % 2 == 0 ? 1 : -1);
  const auto n = static_cast<unsigned long>(std::labs(exponent));
  if (n > max_bits || static_cast<double>(bits()) * static_cast<double>(n) > static_cast<double>(max_bits)) {
    return std::nullopt;
  }
  Rational out;
  mpz_pow_ui(mpq_numref(out.q_), mpq_numref(q_), n);
  mpz_pow_ui(mpq_denref(out.q_), mpq_denref(q_), n);
  if (exponent < 0) mpq_inv(out.q_, out.q_);
  return out;
}

std::optional<Rational> Rational::root(unsigned long n) const {
  if (n == 0 || (sign() < 0 && n % 2 == 0)) return std::nullopt;
  Rational out;
  if (mpz_root(mpq_numref(out.q_), mpq_numref(q_), n) == 0) return std::nullopt;
  if (mpz_root(mpq_denref(out.q_), mpq_denref(q_), n) == 0) return std::nullopt;
  return out;
}

std::optional<uint64_t> Rational::modulo(uint64_t p) const {
  mpz_t inverse, modulus;
  mpz_init(inverse);
  mpz_init_set_ui(modulus, p);
  std::optional<uint64_t> out;
  if (mpz_invert(inverse, mpq_denref(q_), modulus) != 0) {
    mpz_mul(inverse, inverse, mpq_numref(q_));
    out = mpz_fdiv_ui(inverse, p);
  }
  mpz_clear(inverse);
  mpz_clear(modulus);
  return out;
}

uint64_t Rational::integer_modulo(uint64_t m) const {
  return mpz_fdiv_ui(mpq_numref(q_), m);
}

std::optional<Rational> factorial(long n) {
  if (n < 0 || n > 5000) return std::nullopt;  // 5000! has 54,233 bits
  Rational out;
  mpz_fac_ui(mpq_numref(out.raw()), static_cast<unsigned long>(n));
  return out;
}

std::optional<Rational> binomial(const Rational& n, long k) {
  if (!n.is_integer() || k < 0) return std::nullopt;
  const auto small = n.to_long();
  if (small && *small >= 0 && k > *small / 2 && k <= *small) k = *small - k;
  if (k > 20'000 || static_cast<double>(n.bits()) * static_cast<double>(k) > 8.0 * static_cast<double>(max_bits)) {
    return std::nullopt;
  }
  Rational out;
  mpz_bin_ui(mpq_numref(out.raw()), mpq_numref(n.raw()), static_cast<unsigned long>(k));
  if (out.bits() > max_bits) return std::nullopt;
  return out;
}

}  // namespace posttrain::mathcheck
