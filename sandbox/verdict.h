// The nine verdicts and how a run's end becomes one.
#pragma once

#include <cstdint>

namespace posttrain::sandbox {

struct Outcome;

// accepted, wrong answer, time / memory / output limit, run-time error, killed by the system call filter, compile
// error, internal error: the judge's own fault, which says nothing about the program.
enum class Code : uint8_t { ac, wa, tle, mle, ole, re, sv, ce, ie };
const char* to_string(Code code);  // "AC", ...

// Of a run alone, before any answer is compared: ac means that it ended normally with exit code 0. The limit that was
// met first counts.
Code judge_end(const Outcome& outcome);

}  // namespace posttrain::sandbox
