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

// The last fenced block that is closed; false when there is none.
bool last_block(std::string_view text, std::string_view& block) {
  bool found = false, inside = false;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.starts_with("```")) {
      if (inside) {
        block = text.substr(start, at - start);
        found = true;
      }
      inside = !inside;
      start = std::min(end + 1, text.size());
    }
    at = end + 1;
  }
  return found;
}

// A continuation of a function ends where the next thing at the left margin begins.
std::string_view body_only(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at + 1 >= text.size()) break;
    const char next = text[at + 1];
    if (next != ' ' && next != '\t' && next != '\n' && next != '\r') return text.substr(0, at + 1);
  }
  return text;
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

std::string extract_program(const CodeProblem& problem, std::string_view completion, std::string_view tag) {
  std::string_view program = completion;
  bool marked = last_block(completion, program);
  const std::string open = "<" + std::string(tag) + ">", close = "</" + std::string(tag) + ">";
  if (!marked && !tag.empty()) {
    const size_t end = completion.rfind(close);
    const size_t start = end == std::string_view::npos ? end : completion.rfind(open, end);
    if (start != std::string_view::npos) {
      program = completion.substr(start + open.size(), end - start - open.size());
      marked = true;
    }
  }
  if (problem.script.style != AssertScript::Style::humaneval || problem.script.entry.empty()) {
    return problem.head + std::string(program) + problem.tail;
  }
  const std::string head = "def " + problem.script.entry;
  if (program.find(head) == std::string_view::npos) {
    return problem.prompt + std::string(marked ? program : body_only(program));
  }
  // The prompt's imports and helper functions come first; the completion's own definitions replace them.
  const size_t own = problem.prompt.find(head);
  return (own == std::string::npos ? "" : problem.prompt.substr(0, own)) + std::string(program);
}

}  // namespace posttrain::rewards
