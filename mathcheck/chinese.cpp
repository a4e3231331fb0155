#include "mathcheck/chinese.h"

#include <algorithm>
#include <array>

namespace posttrain::mathcheck {

namespace {

constexpr size_t character = 3;  // bytes of each of these in UTF-8
constexpr size_t longest = 40 * character;

int digit(std::string_view c) {
  constexpr auto digits = std::to_array<std::string_view>({"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"});
  if (c == "两") return 2;
  if (c == "〇") return 0;
  const auto* found = std::ranges::find(digits, c);
  return found == digits.end() ? -1 : static_cast<int>(found - digits.begin());
}

// 10 to this power; 0 where the character is no scale.
int scale(std::string_view c) {
  return c == "十" ? 1 : c == "百" ? 2 : c == "千" ? 3 : c == "万" ? 4 : c == "亿" ? 8 : 0;
}

// Digits with their scales, or digits side by side: 三百零五, 二〇二四.
std::optional<Rational> whole(std::string_view text) {
  if (text.empty() || text.size() % character != 0) return std::nullopt;
  Rational total, section, last;
  bool scaled = false, pending = false;
  for (size_t at = 0; at < text.size(); at += character) {
    const std::string_view c = text.substr(at, character);
    if (const int d = digit(c); d >= 0) {
      last = scaled || !pending ? Rational(d) : last * Rational(10) + Rational(d);
      pending = true;
      continue;
    }
    const int power = scale(c);
    if (power == 0) return std::nullopt;
    scaled = true;
    if (power < 4) {
      section = section + (pending ? last : Rational(1)) * Rational::power_of_ten(power);
    } else {
      section = section + (pending ? last : Rational(0));
      const Rational so_far = total + section;
      total = (so_far.is_zero() ? Rational(1) : so_far) * Rational::power_of_ten(power);
      section = Rational(0);
    }
    last = Rational(0);
    pending = false;
  }
  return total + section + (pending ? last : Rational(0));
}

}  // namespace

std::optional<Rational> number_from_chinese(std::string_view text) {
  constexpr std::string_view minus = "负", over = "分之", point = "点";
  if (text.size() > longest) return std::nullopt;
  if (text.starts_with(minus)) {
    const auto value = number_from_chinese(text.substr(minus.size()));
    return value ? std::optional(-*value) : std::nullopt;
  }
  if (const size_t at = text.find(over); at != std::string_view::npos) {
    const auto below = whole(text.substr(0, at)), above = number_from_chinese(text.substr(at + over.size()));
    return below && above && !below->is_zero() ? std::optional(*above / *below) : std::nullopt;
  }
  if (const size_t at = text.find(point); at != std::string_view::npos) {
    auto value = whole(text.substr(0, at));
    const std::string_view digits = text.substr(at + point.size());
    if (!value || digits.empty() || digits.size() % character != 0) return std::nullopt;
    Rational unit(1);
    for (size_t i = 0; i < digits.size(); i += character) {
      const int d = digit(digits.substr(i, character));
      if (d < 0) return std::nullopt;
      unit = unit / Rational(10);
      value = *value + unit * Rational(d);
    }
    return value;
  }
  return whole(text);
}

}  // namespace posttrain::mathcheck
