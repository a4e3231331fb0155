// Expressions in running text.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::mathcheck {

// A run of numbers, signs, formulas, number words and units, joined by commas, "and" or "or", between words of prose.
// Empty when there is none, or when the sentence takes it back or offers another beside it ("isn't 5", "5, or possibly
// 6"); with `alone` no other value may follow at all, except where it explains the first.
std::string first_expression(std::string_view text, bool alone = false);
std::string last_expression(std::string_view text);

}  // namespace posttrain::mathcheck
