#include "base/decimal.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace posttrain {
namespace {

__extension__ using Wide = unsigned __int128;

Wide power_of_ten(int exponent) {  // up to 38
  Wide out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
}

int count_digits(uint64_t value) {
  int n = 1;
  while (value >= 10) {
    value /= 10;
    ++n;
  }
  return n;
}

Decimal normal(bool negative, uint64_t digits, int exponent) {
  if (digits == 0) return {};
  while (digits % 10 == 0) {
    digits /= 10;
    ++exponent;
  }
  return {negative, digits, exponent};
}

std::strong_ordering compare_sizes(const Decimal& a, const Decimal& b) {
  if (a.digits == 0 || b.digits == 0) return a.digits <=> b.digits;
  const int places_a = count_digits(a.digits), places_b = count_digits(b.digits);
  if (const auto order = places_a + a.exponent <=> places_b + b.exponent; order != 0) return order;
  // As many places before the point: both fit into 20 digits at the smaller exponent.
  const int low = std::min(a.exponent, b.exponent);
  const Wide left = a.digits * power_of_ten(a.exponent - low), right = b.digits * power_of_ten(b.exponent - low);
  return left < right ? std::strong_ordering::less
                      : (left > right ? std::strong_ordering::greater : std::strong_ordering::equal);
}

}  // namespace

Decimal Decimal::of(const Json& number) {
  if (number.is_number_unsigned()) return normal(false, number.get<uint64_t>(), 0);
  if (number.is_number_integer()) {
    const auto value = number.get<int64_t>();
    return normal(value < 0, value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 0);
  }
  if (!number.is_number_float() || !std::isfinite(number.get<double>()))
    throw Error("number", "", "a finite number", to_line(number));
  // d.ddde-xx with up to 17 digits
  char text[40];
  const char* end =
      std::to_chars(text, text + sizeof text, std::fabs(number.get<double>()), std::chars_format::scientific).ptr;
  uint64_t digits = 0;
  int places = 0;
  const char* at = text;
  bool behind_point = false;
  for (; at < end && *at != 'e'; ++at) {
    if (*at == '.') {
      behind_point = true;
      continue;
    }
    digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    places += behind_point ? 1 : 0;
  }
  const std::string exponent(at + 1, static_cast<size_t>(end - at - 1));
  return normal(std::signbit(number.get<double>()), digits, std::atoi(exponent.c_str()) - places);
}

bool Decimal::is_multiple_of(const Decimal& divisor) const {
  if (digits == 0) return true;
  const int shift = exponent - divisor.exponent;
  if (shift < 0) {  // digits = k * divisor.digits * 10^-shift
    if (-shift > 19) return false;
    const Wide by = divisor.digits * power_of_ten(-shift);
    return digits % by == 0;
  }
  Wide rest = digits % divisor.digits;
  for (int i = 0; i < shift && rest != 0; ++i) rest = rest * 10 % divisor.digits;
  return rest == 0;
}

std::string Decimal::text() const {
  return (negative ? "-" : "") + std::to_string(digits) + "e" + std::to_string(exponent);
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (negative != other.negative) return negative ? std::strong_ordering::less : std::strong_ordering::greater;
  return negative ? compare_sizes(other, *this) : compare_sizes(*this, other);
}

}  // namespace posttrain
