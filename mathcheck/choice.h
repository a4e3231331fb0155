// Letters of multiple choice.
#pragma once

#include <optional>
#include <string_view>

namespace posttrain::mathcheck {

// The letter (A..J, in upper case) of an answer that is a choice: "C", "(C)", "C) 42", "**C**", "\text{(C)}", "Option
// C". `whole` is set when nothing but the letter stands there.
std::optional<char> choice_letter(std::string_view normalized, bool& whole);
// The letter that a sentence of a reply settles on last: "I would pick C", "option (C) is right", "C is correct".
std::optional<char> stated_choice(std::string_view reply);

}  // namespace posttrain::mathcheck
