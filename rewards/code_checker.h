// Whole programs with more than one right answer: a program of the data's author says which outputs are right.
#pragma once

#include <string>
#include <string_view>

#include "rewards/code_judge.h"

namespace posttrain::rewards {

// Runs `checker` (C++ when it includes anything, else Python) in a box of its own with three files as arguments: the
// test's input, the output and the expected answer; these and exit code 0 for right are those of Codeforces' testlib.
// Any other end is WA when the checker takes the expected answer itself, so that no output gains by breaking its
// checker; otherwise the checker is at fault: IE, with `detail`. Without an expected answer, 1 and 2 are WA.
sandbox::Code check_output(sandbox::Sandbox& sandbox, sandbox::Compiler& compiler, const std::string& checker,
                           const CodeTest& test, std::string_view output, std::string& detail);

}  // namespace posttrain::rewards
