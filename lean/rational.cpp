#include "lean/rational.h"

#include <gmp.h>

#include <limits>
#include <numeric>

namespace posttrain::lean {
namespace {

__extension__ using Wide = __int128;
constexpr int64_t limit = int64_t{1} << 62;

bool fits(Wide v) {
  return v > -limit && v < limit;
}

}  // namespace

struct Rational::Big {
  mpq_t q;
  Big() { mpq_init(q); }
  ~Big() { mpq_clear(q); }
  Big(const Big&) = delete;
  Big& operator=(const Big&) = delete;
};

Rational::Rational(int64_t n, int64_t d) {
  *this = Rational(n) / Rational(d);
}

std::shared_ptr<Rational::Big> Rational::promote() const {
  auto out = std::make_shared<Big>();
  if (big_) {
    mpq_set(out->q, big_->q);
  } else {
    mpq_set_si(out->q, num_, static_cast<unsigned long>(den_));
  }
  return out;
}

Rational Rational::from_big(std::shared_ptr<Big> big) {
  if (mpz_sizeinbase(mpq_numref(big->q), 2) > max_bits || mpz_sizeinbase(mpq_denref(big->q), 2) > max_bits)
    throw OutOfBudget("a number has too many digits");
  Rational out;
  if (mpz_sizeinbase(mpq_numref(big->q), 2) < 62 && mpz_sizeinbase(mpq_denref(big->q), 2) < 62) {
    out.num_ = mpz_get_si(mpq_numref(big->q));
    out.den_ = mpz_get_si(mpq_denref(big->q));
  } else {
    out.big_ = std::move(big);
  }
  return out;
}

constexpr size_t longest_numeral = 100'000;  // digits

std::optional<Rational> Rational::from_digits(std::string_view digits) {
  if (digits.empty() || digits.size() > longest_numeral) return std::nullopt;
  for (const char c : digits)
    if (c < '0' || c > '9') return std::nullopt;
  auto big = std::make_shared<Big>();
  mpz_set_str(mpq_numref(big->q), std::string(digits).c_str(), 10);
  return from_big(std::move(big));
}

Rational operator+(const Rational& a, const Rational& b) {
  if (!a.big_ && !b.big_) {
    const Wide n = static_cast<Wide>(a.num_) * b.den_ + static_cast<Wide>(b.num_) * a.den_;
    const Wide d = static_cast<Wide>(a.den_) * b.den_;
    if (fits(n) && fits(d)) {
      const int64_t g = std::gcd(static_cast<int64_t>(n), static_cast<int64_t>(d));
      Rational out;
      out.num_ = static_cast<int64_t>(n) / g;
      out.den_ = static_cast<int64_t>(d) / g;
      return out;
    }
  }
  auto x = a.promote();
  mpq_add(x->q, x->q, b.promote()->q);
  return Rational::from_big(std::move(x));
}

Rational operator-(const Rational& a, const Rational& b) {
  if (!b.big_) {
    Rational negated;
    negated.num_ = -b.num_;
    negated.den_ = b.den_;
    return a + negated;
  }
  auto x = a.promote();
  mpq_sub(x->q, x->q, b.big_->q);
  return Rational::from_big(std::move(x));
}

Rational operator*(const Rational& a, const Rational& b) {
  if (!a.big_ && !b.big_) {
    const int64_t g1 = std::gcd(a.num_, b.den_), g2 = std::gcd(b.num_, a.den_);
    if (g1 == 0 || g2 == 0) return 0;
    const Wide n = static_cast<Wide>(a.num_ / g1) * (b.num_ / g2);
    const Wide d = static_cast<Wide>(a.den_ / g2) * (b.den_ / g1);
    if (fits(n) && fits(d)) {
      Rational out;
      out.num_ = static_cast<int64_t>(n);
      out.den_ = n == 0 ? 1 : static_cast<int64_t>(d);
      return out;
    }
  }
  auto x = a.promote();
  mpq_mul(x->q, x->q, b.promote()->q);
  return Rational::from_big(std::move(x));
}

Rational operator/(const Rational& a, const Rational& b) {
  if (b.is_zero()) return 0;
  if (!b.big_) {
    Rational inverse;
    inverse.num_ = b.num_ < 0 ? -b.den_ : b.den_;
    inverse.den_ = b.num_ < 0 ? -b.num_ : b.num_;
    return a * inverse;
  }
  auto x = a.promote();
  mpq_div(x->q, x->q, b.big_->q);
  return Rational::from_big(std::move(x));
}

int compare(const Rational& a, const Rational& b) {
  if (!a.big_ && !b.big_) {
    const Wide l = static_cast<Wide>(a.num_) * b.den_, r = static_cast<Wide>(b.num_) * a.den_;
    return l < r ? -1 : l > r ? 1 : 0;
  }
  return mpq_cmp(a.promote()->q, b.promote()->q);
}

int Rational::sign() const {
  if (big_) return mpq_sgn(big_->q);
  return num_ < 0 ? -1 : num_ > 0 ? 1 : 0;
}

bool Rational::is_integer() const {
  return big_ ? mpz_cmp_ui(mpq_denref(big_->q), 1) == 0 : den_ == 1;
}

std::optional<int64_t> Rational::small() const {
  if (big_ || den_ != 1) return std::nullopt;
  return num_;
}

Rational Rational::floor() const {
  auto x = promote();
  mpz_fdiv_q(mpq_numref(x->q), mpq_numref(x->q), mpq_denref(x->q));
  mpz_set_ui(mpq_denref(x->q), 1);
  return from_big(std::move(x));
}

Rational Rational::numerator() const {
  if (!big_) return num_;
  auto x = promote();
  mpz_set_ui(mpq_denref(x->q), 1);
  return from_big(std::move(x));
}

Rational Rational::denominator() const {
  if (!big_) return den_;
  auto x = promote();
  mpz_set(mpq_numref(x->q), mpq_denref(x->q));
  mpz_set_ui(mpq_denref(x->q), 1);
  return from_big(std::move(x));
}

Rational Rational::power(uint64_t exponent) const {
  if (exponent == 0 || is_one()) return 1;
  if (is_zero()) return 0;
  const auto x = promote();
  const uint64_t bits = mpz_sizeinbase(mpq_numref(x->q), 2) + mpz_sizeinbase(mpq_denref(x->q), 2);
  const bool unit = mpz_cmpabs_ui(mpq_numref(x->q), 1) == 0 && mpz_cmp_ui(mpq_denref(x->q), 1) == 0;
  if (unit) return exponent % 2 == 0 ? Rational(1) : *this;
  if (exponent > static_cast<uint64_t>(max_bits) || bits * exponent > 2 * static_cast<uint64_t>(max_bits))
    throw OutOfBudget("a power has too many digits");
  mpz_pow_ui(mpq_numref(x->q), mpq_numref(x->q), exponent);
  mpz_pow_ui(mpq_denref(x->q), mpq_denref(x->q), exponent);
  return from_big(x);
}

std::string Rational::text() const {
  const auto x = promote();
  std::string out(mpz_sizeinbase(mpq_numref(x->q), 10) + mpz_sizeinbase(mpq_denref(x->q), 10) + 3, '\0');
  mpq_get_str(out.data(), 10, x->q);
  out.resize(out.find('\0'));
  return out;
}

uint64_t Rational::hash() const {
  if (big_) return mpz_fdiv_ui(mpq_numref(big_->q), 4294967291u) * 31 + mpz_fdiv_ui(mpq_denref(big_->q), 4294967291u);
  return static_cast<uint64_t>(num_) * 31 + static_cast<uint64_t>(den_);
}

Rational Rational::gcd(const Rational& a, const Rational& b) {
  auto x = a.promote();
  mpz_gcd(mpq_numref(x->q), mpq_numref(x->q), mpq_numref(b.promote()->q));
  return from_big(std::move(x));
}

Rational Rational::euclidean_mod(const Rational& a, const Rational& b) {
  if (b.is_zero()) return a;
  auto x = a.promote();
  mpz_mod(mpq_numref(x->q), mpq_numref(x->q), mpq_numref(b.promote()->q));  // mpz_mod is never negative
  return from_big(std::move(x));
}

Rational Rational::euclidean_div(const Rational& a, const Rational& b) {
  if (b.is_zero()) return 0;
  return (a - euclidean_mod(a, b)) / b;
}

Rational Rational::power_mod(const Rational& base, const Rational& exponent, const Rational& modulus) {
  auto x = base.promote();
  mpz_powm(mpq_numref(x->q), mpq_numref(x->q), mpq_numref(exponent.promote()->q), mpq_numref(modulus.promote()->q));
  return from_big(std::move(x));
}

std::optional<bool> Rational::is_prime(const Rational& n, Budget& budget) {
  const auto v = n.small();
  if (!v || *v > int64_t{1000000000000}) return std::nullopt;
  if (*v < 2) return false;
  for (int64_t d = 2; d * d <= *v; ++d) {
    budget.pay();
    if (*v % d == 0) return false;
  }
  return true;
}

Rational Rational::square_root(const Rational& n) {
  auto x = n.promote();
  mpz_sqrt(mpq_numref(x->q), mpq_numref(x->q));
  return from_big(std::move(x));
}

}  // namespace posttrain::lean
