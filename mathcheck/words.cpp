#include "mathcheck/words.h"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/letters.h"
#include "mathcheck/chinese.h"
#include "mathcheck/units.h"

namespace posttrain::mathcheck {

namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80)
      out.back() += lower_case(c);
    else if (!out.back().empty())
      out.emplace_back();
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

int find_word(std::string_view word, std::initializer_list<std::string_view> list) {
  const auto* found = std::ranges::find(list, word);
  return found == list.end() ? -1 : static_cast<int>(found - list.begin());
}

int small_number(std::string_view w) {
  return find_word(w, {"zero",     "one",     "two",     "three",     "four",     "five",    "six",
                       "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                       "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"});
}

int tens(std::string_view w) {
  const int i = find_word(w, {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"});
  return i < 0 ? -1 : 20 + 10 * i;
}

// Denominators in words: "third", "quarters".
int ordinal_part(std::string w) {
  if (w.ends_with('s')) w.pop_back();
  const int i = find_word(
      w, {"half", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"});
  if (i >= 0) return i + 2;
  if (w == "halve") return 2;
  if (w == "quarter") return 4;
  return w == "hundredth" ? 100 : w == "thousandth" ? 1000 : w == "millionth" ? 1'000'000 : -1;
}

int month(std::string_view w) {
  if (w.size() < 3) return 0;
  int i = 0;
  for (const std::string_view name : {"january", "february", "march", "april", "may", "june", "july", "august",
                                      "september", "october", "november", "december"}) {
    ++i;
    if (name == w || (name.starts_with(w) && (w.size() == 3 || w == "sept"))) return i;
  }
  return 0;
}

// Without a sign.
std::optional<Rational> plain_number(std::span<const std::string> list) {
  if (list.size() == 1) {
    const std::string& w = list[0];
    const int base = find_word(w, {"binary", "ternary", "quaternary", "octal", "decimal", "hexadecimal"});
    if (base >= 0) return Rational(std::initializer_list<long>{2, 3, 4, 8, 10, 16}.begin()[base]);
    if (w == "dozen") return Rational(12);
    if (w == "half") return Rational(1, 2);
    if (w == "lakh") return Rational::power_of_ten(5);
    if (w == "crore") return Rational::power_of_ten(7);
    if (auto chinese = number_from_chinese(w)) return chinese;
  }
  Rational total, group, whole;  // whole: of "two and three fifths"
  bool any = false;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string& w = list[i];
    const bool joined = i > 0 && list[i - 1] == "and";
    if (joined && any && ordinal_part(list.back()) >= 0) {
      whole = total + group;
      total = group = Rational(0);
      any = false;
    }
    if (const int n = small_number(w); n >= 0) {
      group = group + Rational(n);
    } else if (const int t = tens(w); t >= 0) {
      group = group + Rational(t);
    } else if (w == "hundred" || w == "dozen") {
      group = (any ? group : Rational(1)) * Rational(w == "hundred" ? 100 : 12);
    } else if (const int k = find_word(w, {"thousand", "million", "billion", "trillion"}); k >= 0) {
      total = total + (any ? group : Rational(1)) * Rational::power_of_ten(3 * (k + 1));
      group = Rational(0);
    } else if (const int part = ordinal_part(w); part >= 0 && i + 1 == list.size() && (any || i > 0)) {
      return whole + (total + (any ? group : Rational(1))) / Rational(part);
    } else if ((w == "and" && any && i + 1 < list.size()) ||
               ((i == 0 || joined) && (w == "a" || w == "an") && list.size() > i + 1)) {
      continue;
    } else {
      return std::nullopt;
    }
    any = true;
  }
  if (!any) return std::nullopt;
  return total + group;
}

}  // namespace

std::optional<Rational> parts_from_word(std::string_view word) {
  const std::string small = lower_case(word);
  if (!small.ends_with('s') || small == "quarters" || small == "seconds") return std::nullopt;
  const int part = ordinal_part(small);
  return part > 0 ? std::optional(Rational(1, static_cast<unsigned long>(part))) : std::nullopt;
}

std::optional<Rational> number_from_words(std::string_view words) {
  if (words.size() > 120) return std::nullopt;
  const std::vector<std::string> list = split(words);
  size_t signs = 0;
  while (signs + 1 < list.size() && (list[signs] == "negative" || list[signs] == "minus")) ++signs;
  const auto number = plain_number(std::span(list).subspan(signs));
  return number && signs % 2 == 1 ? std::optional(-*number) : number;
}

bool is_and(std::string_view words) {
  return among(words, {"and", "und", "et", "y", "land"});
}

bool is_or(std::string_view words) {
  return among(words, {"or", "oder", "ou", "lor"});
}

bool is_condition(std::string_view words) {
  const std::vector<std::string> list = split(words);
  return !list.empty() && among(list[0], {"if", "when", "for", "where", "whenever", "with", "unless", "provided"});
}

bool is_known_word(std::string_view word, bool after_value) {
  const std::string small = lower_case(word);
  if (is_and(small) || is_or(small) || small == "percent" || small == "usd" || small == "eur" || small == "gbp")
    return small.size() > 1;
  if (among(small, {"is", "if", "to",  "at",  "an",  "of", "the", "not", "no", "all", "any", "are", "for", "yes",
                    "in", "by", "nan", "inf", "dne", "it", "as",  "on",  "be", "we",  "per", "sum", "odd", "even"})) {
    return true;
  }
  if (small == "am" || small == "pm") return after_value;
  if (number_from_words(small) || month(small) > 0) return true;
  return after_value && parse_unit(word).has_value();
}

int half_day(std::string_view words) {
  std::string w;
  for (const char c : words) {
    if (c != '.' && c != ' ') w += lower_case(c);
  }
  if (w == "am" || w == "inthemorning") return -1;
  return w == "pm" || w == "intheafternoon" || w == "intheevening" ? 1 : 0;
}

std::optional<Date> parse_date(std::string_view words) {
  if (words.size() > 60) return std::nullopt;
  std::vector<std::string> list = split(words);
  Date date;
  std::vector<int> numbers;
  for (const std::string& w : list) {
    if (among(w, {"of", "the", "on", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}))
      continue;
    if (const int m = month(w); m > 0) {
      if (date.month > 0) return std::nullopt;
      date.month = m;
      continue;
    }
    std::string digits = w;
    for (const std::string_view suffix : {"st", "nd", "rd", "th"}) {
      if (digits.size() > 2 && digits.ends_with(suffix)) digits.resize(digits.size() - 2);
    }
    if (digits.size() > 4 || digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    numbers.push_back(std::stoi(digits));
  }
  if (date.month > 0) {
    for (const int n : numbers) {
      if (n > 31 && date.year == 0)
        date.year = n;
      else if (n >= 1 && n <= 31 && date.day == 0)
        date.day = n;
      else
        return std::nullopt;
    }
    return date.day > 0 || date.year > 0 ? std::optional(date) : std::nullopt;
  }
  const bool iso = list.size() == 3 && numbers.size() == 3 && list[0].size() == 4 && list[1].size() <= 2 &&
                   std::ranges::count(words, '-') == 2;
  if (!iso || numbers[1] > 12 || numbers[1] < 1 || numbers[2] > 31 || numbers[2] < 1) return std::nullopt;
  return Date{numbers[0], numbers[1], numbers[2]};
}

bool same_date(const Date& a, const Date& b) {
  return a.month == b.month && a.day == b.day && (a.year == b.year || a.year == 0 || b.year == 0);
}

}  // namespace posttrain::mathcheck
