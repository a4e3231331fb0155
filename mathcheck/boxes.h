// Boxed answers. Private to extract.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posttrain::mathcheck {

std::optional<std::string> boxed_answer(std::string_view text);

}  // namespace posttrain::mathcheck
