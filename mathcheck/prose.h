// Expressions in running text.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::mathcheck {

// A run of numbers, signs, formulas, number words and units, joined by commas, "and" or "or", between words of prose.
// Empty when there is none.
std::string first_expression(std::string_view text);
std::string last_expression(std::string_view text);

}  // namespace posttrain::mathcheck
