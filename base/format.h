// Numbers as text for people.
#pragma once

#include <string>

namespace posttrain {

// By printf's rules, of any length; the compiler checks the arguments.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

// As in a recipe: 3 and 0.5, never 3.0.
std::string number_text(double value);

// "3.4 s", "75 s", "2.5 min", "1.2 h"
std::string duration_text(double seconds);

}  // namespace posttrain
