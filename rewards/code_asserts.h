// Function tests written as Python asserts (HumanEval, MBPP). The program under test runs alone, one process for each
// call, and never sees an expected value; the asserts are evaluated in another box, on plain values that came back.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "rewards/code_judge.h"

namespace posttrain::rewards {

// A script of tests: `humaneval` defines check(candidate) and may use the helpers of `prompt`; `mbpp` is a list of
// asserts that name the program's functions, `setup` runs with the program before each.
struct AssertScript {
  enum class Style : uint8_t { humaneval, mbpp } style = Style::mbpp;
  std::string prompt, tests, setup, entry;
};

struct AssertVerdict {
  sandbox::Code code = sandbox::Code::ie;  // AC; WA; that of the first call without a value; IE
  std::string detail, errors;              // what the first call without a value wrote on stderr
  int passed = 0, total = 0;               // asserts
};

// Thread-safe; remembers the calls of each script.
class AssertJudge {
 public:
  explicit AssertJudge(CodeJudge& judge) : judge_(judge) {}
  // Throws Error when the script itself is broken.
  AssertVerdict judge(const AssertScript& script, const std::string& program, const sandbox::Limits& limits,
                      bool stop_at_failure);

 private:
  struct Plan {
    int asserts = 0;
    std::vector<std::string> calls;
    std::string failure;  // of the sandbox
  };
  std::shared_ptr<const Plan> plan(const AssertScript& script);

  CodeJudge& judge_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Plan>> plans_;
};

}  // namespace posttrain::rewards
