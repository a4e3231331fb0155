// Programming problems of the usual data sets, and the program inside a completion.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "mathcheck/extract.h"
#include "rewards/code_asserts.h"

namespace posttrain::rewards {

struct CodeProblem {
  enum class Tests : uint8_t { programs, functions, asserts } tests = Tests::asserts;
  std::string id, prompt;
  AssertScript script;     // asserts
  CodeTask task;           // programs, functions; also says the language and the limits
  std::string head, tail;  // round what the completion holds: an expression becomes a function
  std::string reference;   // a right program where the data has one
};

// One row of data. Understood, by the fields that are there:
//   HumanEval        prompt, entry_point, test [canonical_solution]
//   MBPP             text (or prompt), test_list [test_setup_code, code]
//   APPS, CodeContests  question, input_output {inputs, outputs}
//   own              tests: [{stdin, stdout} or {args, expect}], [entry, language, params, returns, head, tail]
// Tests of whole programs may come with a checker, a program that decides which outputs are right: code_checker.h.
// Throws Error when a row is none of these.
CodeProblem code_problem(const Json& row, const std::string& where);

// Every row of a JSONL file.
std::vector<CodeProblem> load_code_problems(const std::filesystem::path& file);

// The program of a completion, behind its thought: the last fenced block that defines what the tests call, else the
// last that names a language of programs, else the last without a name; a block that never ends reaches to the end.
// Without blocks the text between the last <tag> and </tag>, else the whole text. HumanEval: a body or a function
// without its imports is completed by the prompt.
std::string extract_program(const CodeProblem& problem, std::string_view completion, std::string_view tag = "answer",
                            mathcheck::Think think = mathcheck::Think::automatic);

}  // namespace posttrain::rewards
