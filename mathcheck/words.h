// What words mean in an answer.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "mathcheck/number.h"

namespace posttrain::mathcheck {

inline bool among(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

// Words that are no product of letters: connectors, number words, units behind a number, common prose.
bool is_known_word(std::string_view word, bool after_value);
// "seven", "twenty-five", "three hundred and two", "two thirds", "half", "a dozen", and the names of bases.
std::optional<Rational> number_from_words(std::string_view words);
// "halves", "thousandths" behind a count: one of them. Quarters are coins.
std::optional<Rational> parts_from_word(std::string_view word);
bool is_and(std::string_view words);
bool is_or(std::string_view words);
// "if", "when", "for", "where": a condition follows.
bool is_condition(std::string_view words);
// +1 for p.m., -1 for a.m., 0 for neither.
int half_day(std::string_view words);

// A calendar date: 0 where a part is not said.
struct Date {
  int year = 0, month = 0, day = 0;
};
// "March 5, 2024", "5 March 2024", "the 5th of March", "2024-03-05".
std::optional<Date> parse_date(std::string_view words);
bool same_date(const Date& a, const Date& b);

}  // namespace posttrain::mathcheck
