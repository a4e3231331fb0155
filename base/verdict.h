// What a judge says of one answer.
#pragma once

#include <cstdint>

namespace posttrain {

// right and wrong are judgements; undecided ran out of its budget (value 0, counted apart); failed is the judge's own
// fault (a dead child, no disk): the sample is masked, it never counts as a zero; absent is no word at all: the part
// does not apply to this row, or left it out, and counts for nothing.
enum class Verdict : uint8_t { right, wrong, undecided, failed, absent };
const char* to_string(Verdict verdict);

// Whether it is a judge's word, of which shares such as accuracy are made.
constexpr bool is_judged(Verdict verdict) {
  return verdict <= Verdict::undecided;
}

}  // namespace posttrain
