// Numbers in Chinese characters.
#pragma once

#include <optional>
#include <string_view>

#include "mathcheck/number.h"

namespace posttrain::mathcheck {

// 十二, 三百零五, 两万, 一点五, 四分之三, 百分之二十, 负七; also a scale alone (万 is 10000). Nothing for anything
// else.
std::optional<Rational> number_from_chinese(std::string_view text);

}  // namespace posttrain::mathcheck
