// Judges one program by tests. Programs run in boxes; expected answers never enter one: what comes out is compared
// here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rewards/plain_value.h"
#include "sandbox/compiler.h"
#include "sandbox/verdict.h"

namespace posttrain::rewards {

enum class Language : uint8_t { python, cpp };

// One test: standard input and output of a whole program, or arguments and result of a function.
struct CodeTest {
  std::string input, expected;
  PlainValue arguments;  // a list
  PlainValue result;
};

struct CodeTask {
  Language language = Language::python;
  std::string entry;                // function tests: its name; empty: a whole program
  std::vector<std::string> params;  // C++ function tests: types such as const std::vector<int>&
  std::string returns;
  std::vector<CodeTest> tests;
  sandbox::Limits limits;
  sandbox::CompileLimits compile;
  std::string checker;           // whole programs: decides instead of the comparison, see code_checker.h
  double tolerance = 0;          // whole programs: tokens may also be numbers this close, relative beyond 1
  bool retry_wall = false;       // once more with twice the wall time when a test met that without using its CPU time
  bool stop_at_failure = false;  // otherwise only a limit or a failure of the judge ends the tests early
};

struct TestVerdict {
  sandbox::Code code = sandbox::Code::ie;
  std::string detail;
  sandbox::Outcome run;
};

struct CodeVerdict {
  sandbox::Code code = sandbox::Code::ie;  // of the first test that is not AC
  std::string detail;
  std::vector<TestVerdict> tests;  // those that were run
  sandbox::Compiled compiled;      // C++ only
  int passed() const;
};

// Token by token, as contests do: maximal runs of bytes other than ASCII white space, equal in number and bytes. With a
// tolerance, two tokens that are finite decimal numbers also match when |got - want| <= tolerance max(1, |want|).
bool same_tokens(std::string_view got, std::string_view want, double tolerance = 0);

// The payload of the one well-formed record that a driver sent: "<bytes>\n<payload>\n" and nothing else. False
// otherwise.
bool read_record(std::string_view channel, std::string_view& payload);

// Thread-safe. Keeps references.
class CodeJudge {
 public:
  CodeJudge(sandbox::Sandbox& sandbox, sandbox::Compiler& compiler) : sandbox_(sandbox), compiler_(compiler) {}

  CodeVerdict judge(const CodeTask& task, const std::string& source);

  // One Python function run: `order` is the JSON that sandbox/python_server.py takes. Gives the record's payload.
  sandbox::Code evaluate(const std::string& source, const std::string& order, const sandbox::Limits& limits,
                         std::string& payload, sandbox::Outcome& outcome);

 private:
  TestVerdict run_test(const CodeTask& task, const CodeTest& test, int program);

  sandbox::Sandbox& sandbox_;
  sandbox::Compiler& compiler_;
};

}  // namespace posttrain::rewards
