#include "rewards/code_problem.h"

#include "base/error.h"
#include "base/json.h"

namespace posttrain::rewards {
namespace {

std::string text_field(const Json& row, const char* name, const std::string& where) {
  if (!row.contains(name) || !row.at(name).is_string()) throw Error(where, name, "text", "none");
  return row.at(name).get<std::string>();
}

std::string optional_text(const Json& row, const char* name) {
  return row.contains(name) && row.at(name).is_string() ? row.at(name).get<std::string>() : "";
}

void read_humaneval(const Json& row, const std::string& where, CodeProblem& problem) {
  problem.prompt = text_field(row, "prompt", where);
  problem.script = {AssertScript::Style::humaneval, problem.prompt, text_field(row, "test", where), "",
                    text_field(row, "entry_point", where)};
  const std::string body = optional_text(row, "canonical_solution");
  if (!body.empty()) problem.reference = problem.prompt + body;
}

void read_mbpp(const Json& row, const std::string& where, CodeProblem& problem) {
  std::string tests;
  if (!row.at("test_list").is_array()) throw Error(where, "test_list", "a list", "another value");
  for (const Json& test : row.at("test_list")) tests += test.get<std::string>() + "\n";
  const std::string text = row.contains("text") ? text_field(row, "text", where) : text_field(row, "prompt", where);
  problem.prompt = text + "\nYour code should pass these tests:\n" + tests;
  problem.script = {AssertScript::Style::mbpp, "", tests, optional_text(row, "test_setup_code"), ""};
  problem.reference = optional_text(row, "code");
}

void read_programs(const Json& row, const std::string& where, CodeProblem& problem) {
  problem.prompt = row.contains("question") ? text_field(row, "question", where) : optional_text(row, "prompt");
  const Json& io = row.at("input_output");
  if (!io.contains("inputs") || !io.contains("outputs") || io.at("inputs").size() != io.at("outputs").size()) {
    throw Error(where, "input_output", "as many inputs as outputs", "another number");
  }
  for (size_t i = 0; i < io.at("inputs").size(); ++i) {
    CodeTest test;
    test.input = io.at("inputs")[i].get<std::string>();
    test.expected = io.at("outputs")[i].get<std::string>();
    problem.task.tests.push_back(std::move(test));
  }
}

void read_own(const Json& row, const std::string& where, CodeProblem& problem) {
  problem.prompt = optional_text(row, "prompt");
  problem.head = optional_text(row, "head");
  problem.tail = optional_text(row, "tail");
  problem.task.entry = optional_text(row, "entry");
  problem.task.returns = optional_text(row, "returns");
  if (row.contains("params")) problem.task.params = row.at("params").get<std::vector<std::string>>();
  for (const Json& item : row.at("tests")) {
    CodeTest test;
    if (problem.task.entry.empty()) {
      test.input = optional_text(item, "stdin");
      test.expected = text_field(item, "stdout", where + ".tests");
    } else {
      if (!item.contains("args") || !item.contains("expect"))
        throw Error(where, "tests", "args and expect", to_line(item));
      test.arguments = parse_value(to_line(item.at("args")), where);
      test.result = parse_value(to_line(item.at("expect")), where);
    }
    problem.task.tests.push_back(std::move(test));
  }
}

}  // namespace

CodeProblem code_problem(const Json& row, const std::string& where) {
  CodeProblem problem;
  if (!row.is_object()) throw Error(where, "", "an object", "another value");
  for (const char* name : {"task_id", "id"}) {
    if (row.contains(name))
      problem.id = row.at(name).is_string() ? row.at(name).get<std::string>() : to_line(row.at(name));
  }
  if (row.contains("entry_point") && row.contains("test")) {
    read_humaneval(row, where, problem);
  } else if (row.contains("test_list")) {
    read_mbpp(row, where, problem);
  } else if (row.contains("input_output")) {
    problem.tests = CodeProblem::Tests::programs;
    read_programs(row, where, problem);
  } else if (row.contains("tests") && row.at("tests").is_array()) {
    problem.tests = row.contains("entry") ? CodeProblem::Tests::functions : CodeProblem::Tests::programs;
    read_own(row, where, problem);
  } else {
    throw Error(where, "", "a programming problem: HumanEval, MBPP, input_output or tests", to_line(row).substr(0, 80));
  }
  if (problem.tests != CodeProblem::Tests::asserts && problem.task.tests.empty())
    throw Error(where, "tests", "at least one", "0");
  problem.task.checker = optional_text(row, "checker");
  const std::string language = optional_text(row, "language");
  if (!language.empty() && language != "python" && language != "cpp") {
    throw Error(where, "language", "python or cpp", language);
  }
  if (language == "cpp") problem.task.language = Language::cpp;
  return problem;
}

std::vector<CodeProblem> load_code_problems(const std::filesystem::path& file) {
  std::vector<CodeProblem> problems;
  read_json_lines(file, [&](Json&& row, const std::string& where) { problems.push_back(code_problem(row, where)); });
  return problems;
}

}  // namespace posttrain::rewards
