// What a judge says of one answer.
#pragma once

#include <cstdint>

namespace posttrain {

// right and wrong are judgements; undecided ran out of its budget (value 0, counted apart); failed is the judge's own
// fault (a dead child, no disk): the sample is masked, it never counts as a zero.
enum class Verdict : uint8_t { right, wrong, undecided, failed };
const char* to_string(Verdict verdict);

}  // namespace posttrain
