#include "mathcheck/literal.h"

#include <algorithm>
#include <string>

#include "base/letters.h"
#include "mathcheck/normalize.h"
#include "mathcheck/words.h"

namespace posttrain::mathcheck {

namespace {

constexpr long max_exponent = 5000;

size_t digit_run(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// A mark that groups digits at `at`, and its length; the comma alone only where `comma` says so.
size_t group_mark(std::string_view text, size_t at, bool comma) {
  const std::string_view rest = text.substr(std::min(at, text.size()));
  if (rest.starts_with("{,}")) return 3;
  if (rest.starts_with(",\x1f")) return 2;
  if (rest.starts_with(thin_space)) return 1;
  if (comma && rest.starts_with(',')) return 1;
  return 0;
}

// The integer part: digits in groups of three, or plain.
size_t integer_part(std::string_view text, bool comma, std::string& digits) {
  const size_t first = digit_run(text, 0);
  digits = text.substr(0, first);
  if (first == 0 || first > 3 || digits[0] == '0') return first;
  std::string grouped = digits;
  size_t end = first;
  for (size_t mark = group_mark(text, end, comma); mark > 0; mark = group_mark(text, end, comma)) {
    const size_t run = digit_run(text, end + mark);
    if (run != 3) return run == 0 && end > first ? (digits = grouped, end) : first;  // "1,000," ends a clause
    grouped += text.substr(end + mark, 3);
    end += mark + 3;
  }
  digits = grouped;
  return end;
}

std::optional<Rational> digits_value(std::string_view digits) {
  return Rational::from_digits(digits.empty() ? "0" : digits, 10);
}

// whole.fixed(block)(block)...
std::optional<Rational> repeating(const std::string& whole, const std::string& fixed, const std::string& block) {
  const auto base = digits_value(whole + fixed), tail = digits_value(block);
  if (!base || !tail) return std::nullopt;
  const Rational nines = Rational::power_of_ten(static_cast<long>(block.size())) - Rational(1);
  return (*base + *tail / nines) / Rational::power_of_ten(static_cast<long>(fixed.size()));
}

// The shortest block that ends `decimals` at least twice in a row.
std::string repeated_block(const std::string& decimals) {
  for (size_t n = 1; 2 * n <= decimals.size(); ++n) {
    const std::string_view all = decimals;
    if (all.substr(all.size() - n) == all.substr(all.size() - 2 * n, n)) return decimals.substr(decimals.size() - n);
  }
  return {};
}

// A repeating block after the decimals: \overline{3}, \bar{3}, \dot{3}, (3). Length 0 when there is none.
size_t overline_block(std::string_view rest, std::string& block) {
  for (const std::string_view mark : {"\\overline", "\\bar", "\\dot", "\\overline ", "("}) {
    if (!rest.starts_with(mark)) continue;
    size_t at = mark.size();
    while (mark != "(" && at < rest.size() && rest[at] == ' ') ++at;
    const bool braces = at < rest.size() && rest[at] == '{';
    if (braces) ++at;
    const size_t run = digit_run(rest, at);
    if (run == 0) return 0;
    const size_t taken = braces || mark == "(" ? run : 1;
    const char closing = mark == "(" ? ')' : '}';
    block = rest.substr(at, taken);
    at += taken;
    if (mark == "(" || braces) {
      if (at >= rest.size() || rest[at] != closing) return 0;
      ++at;
    }
    // Dots over the first and the last digit of the block.
    if (mark == "\\dot") {
      const size_t inner = digit_run(rest, at), stop = at + inner + mark.size();
      const bool second = rest.substr(std::min(at + inner, rest.size())).starts_with(mark) && stop + 2 < rest.size() &&
                          rest[stop] == '{' && is_digit(rest[stop + 1]) && rest[stop + 2] == '}';
      if (second) {
        block += std::string(rest.substr(at, inner)) + rest[stop + 1];
        at = stop + 3;
      }
    }
    return at;
  }
  return 0;
}

size_t dots_length(std::string_view rest) {
  size_t skip = 0;
  while (skip < rest.size() && rest[skip] == ' ') ++skip;
  for (const std::string_view dots : {"...", "\\ldots", "\\dots", "\\cdots"}) {
    if (rest.substr(skip).starts_with(dots)) return skip + dots.size();
  }
  return 0;
}

// e5, E-3, e+05 behind a number. A lone e-3 behind an integer is Euler's number less three.
size_t exponent_part(std::string_view rest, bool decimal, long& exponent) {
  if (rest.empty() || (rest[0] != 'e' && rest[0] != 'E')) return 0;
  size_t at = 1;
  const bool sign = at < rest.size() && (rest[at] == '-' || rest[at] == '+');
  const bool negative = sign && rest[at] == '-';
  if (sign) ++at;
  const size_t run = digit_run(rest, at);
  if (run == 0 || run > 5 || (sign && negative && !decimal && run < 2)) return 0;
  exponent = std::stol(std::string(rest.substr(at, run)));
  if (exponent > max_exponent) return 0;
  if (negative) exponent = -exponent;
  return at + run;
}

// _2, _{16}, _{\text{six}} at `at`: the base and the length; 0 when there is none.
size_t base_part(std::string_view text, size_t at, int& base) {
  if (at >= text.size() || text[at] != '_') return 0;
  size_t from = at + 1, end = 0;
  std::string_view inside;
  if (from < text.size() && text[from] == '{') {
    int depth = 0;
    for (end = from; end < text.size(); ++end) {
      if (text[end] == '{') ++depth;
      if (text[end] == '}' && --depth == 0) break;
    }
    if (end >= text.size()) return 0;
    inside = text.substr(from + 1, end - from - 1);
    ++end;
  } else {
    end = from;
    while (end < text.size() && is_letter_or_digit(text[end])) ++end;
    inside = text.substr(from, end - from);
  }
  if (inside.starts_with("\\text{") || inside.starts_with("\\mathrm{")) {
    inside = inside.substr(inside.find('{') + 1);
    if (inside.ends_with('}')) inside.remove_suffix(1);
  }
  std::string word(inside);
  std::erase(word, ' ');
  const auto value = digit_run(word, 0) == word.size() ? Rational::from_digits(word, 10) : number_from_words(word);
  if (!value) return 0;
  base = static_cast<int>(value->to_long().value_or(0));
  return end - at;
}

}  // namespace

Literal plain_literal(std::string_view digits) {
  Literal out;
  out.value = digits_value(digits).value_or(Rational(0));
  out.digits = static_cast<int>(digits.size());
  out.plain_integer = true;
  return out;
}

// ff_{16}, a3_{16}: small letters are figures in base 16 alone, and not where a single one stands last: 2a_{16} is
// twice the sixteenth term of a sequence.
size_t small_hexadecimal_length(std::string_view text) {
  size_t end = 0;
  bool inside = false;
  const auto figure = [](char c) { return c >= 'a' && c <= 'f'; };
  while (end < text.size() && (is_digit(text[end]) || figure(text[end]))) {
    inside =
        inside || (figure(text[end]) && end + 1 < text.size() && (is_digit(text[end + 1]) || figure(text[end + 1])));
    ++end;
  }
  int base = 0;
  return inside && end <= 40 && base_part(text, end, base) > 0 && base == 16 ? end : 0;
}

size_t based_numeral_length(std::string_view text) {
  if (const size_t small = small_hexadecimal_length(text); small > 0) return small;
  size_t end = 0;
  bool letters = false;
  while (end < text.size() && (is_digit(text[end]) || is_capital(text[end]))) {
    letters = letters || !is_digit(text[end]);
    ++end;
  }
  int base = 0;
  if (end == 0 || !letters || base_part(text, end, base) == 0 || base < 11 || base > 36) return 0;
  const bool has_digit = std::ranges::any_of(text.substr(0, end), is_digit);
  if (!has_digit && end < 2) return 0;  // A_{12} is a name
  return Rational::from_digits(text.substr(0, end), base) ? end : 0;
}

std::optional<Rational> reread_in_base(const Rational& decimal, int base) {
  if (!decimal.is_integer() || decimal.sign() < 0 || base < 2 || base > 36 || decimal.bits() > 190) return std::nullopt;
  return Rational::from_digits(decimal.to_string(), base);
}

std::optional<Literal> read_literal(std::string_view text, bool comma_groups, size_t& length) {
  Literal out;
  if (const size_t letters = based_numeral_length(text); letters > 0) {
    int base = 0;
    length = letters + base_part(text, letters, base);
    out.value = *Rational::from_digits(text.substr(0, letters), base);
    return out;
  }
  std::string whole;
  size_t at = integer_part(text, comma_groups, whole);
  int base = 0;
  if (const size_t part = base_part(text, at, base); part > 0 && !whole.empty()) {
    length = at + part;
    if (base < 2 || base > 36) return std::nullopt;
    const auto value = Rational::from_digits(whole, base);
    if (!value) return std::nullopt;
    out.value = *value;
    return out;
  }
  std::string decimals, block;
  bool truncated = false;
  if (at < text.size() && text[at] == '.') {
    const size_t run = digit_run(text, at + 1);
    const size_t over = overline_block(text.substr(at + 1 + run), block);
    if (run > 0 || over > 0) {
      out.decimal = true;
      decimals = text.substr(at + 1, run);
      at += 1 + run + over;
      // Decimals may be grouped by thin spaces as well.
      for (size_t mark = 1;
           over == 0 && at < text.size() && (text[at] == thin_space || text.substr(at).starts_with("{,}"));) {
        mark = text[at] == thin_space ? 1 : 3;
        const size_t more = digit_run(text, at + mark);
        if (more == 0) break;
        decimals += text.substr(at + mark, more);
        at += mark + more;
      }
    }
  }
  if (whole.size() + decimals.size() > max_bits / 6) {
    length = at;
    return std::nullopt;
  }
  if (const size_t dots = dots_length(text.substr(at)); dots > 0 && out.decimal && block.empty()) {
    block = repeated_block(decimals);
    truncated = block.empty();
    at += dots;
  }
  long exponent = 0;
  if (block.empty()) at += exponent_part(text.substr(at), out.decimal, exponent);
  length = at;
  if (!block.empty()) {
    const auto value = repeating(whole, decimals, block);
    if (!value) return std::nullopt;
    out.value = *value;
    out.decimal = false;
    return out;
  }
  const auto value = digits_value(whole + decimals);
  if (!value) return std::nullopt;
  const long shift = exponent - static_cast<long>(decimals.size());
  out.value = shift == 0 ? *value : *value * Rational::power_of_ten(shift);
  out.last_unit = static_cast<int>(shift);
  const std::string all = whole + decimals;
  const size_t lead = all.find_first_not_of('0');
  out.digits = lead == std::string::npos ? 0 : static_cast<int>(all.size() - lead);
  out.decimal = out.decimal || truncated || exponent != 0;
  out.plain_integer = !out.decimal;
  if (!out.plain_integer) return out;
  // A mixed number: an integer, a space, and a fraction of numerals.
  size_t top = at;
  while (top < text.size() && text[top] == ' ') ++top;
  const size_t top_run = digit_run(text, top);
  size_t slash = top + top_run;
  while (slash < text.size() && text[slash] == ' ') ++slash;
  if (top == at || top_run == 0 || slash >= text.size() || text[slash] != '/') return out;
  size_t bottom = slash + 1;
  while (bottom < text.size() && text[bottom] == ' ') ++bottom;
  const size_t bottom_run = digit_run(text, bottom);
  const auto numerator = digits_value(text.substr(top, top_run)),
             denominator = digits_value(text.substr(bottom, bottom_run));
  if (bottom_run == 0 || !numerator || !denominator || denominator->is_zero()) return out;
  out.value = out.value + *numerator / *denominator;
  out.plain_integer = false;
  length = bottom + bottom_run;
  return out;
}

}  // namespace posttrain::mathcheck
