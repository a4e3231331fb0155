// Spellings that are rewritten as text, before signs and commands are read.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::mathcheck {

// \text{5 cm} is 5 cm (a text with figures is read like any formula), "a.m." is am, m\angle A is \angle A,
// {}_{5}C_{2} is \binom{5}{2}, (\text{mod} 7) is \mod 7.
std::string respell(std::string_view text);

}  // namespace posttrain::mathcheck
