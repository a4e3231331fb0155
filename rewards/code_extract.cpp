// Which part of a completion is the program.
#include <algorithm>
#include <array>

#include "base/letters.h"
#include "mathcheck/extract.h"
#include "rewards/blocks.h"
#include "rewards/code_problem.h"

namespace posttrain::rewards {
namespace {

// Blocks that show something else: what to type in a shell, what a program printed.
bool is_other_text(const std::string& info) {
  constexpr auto others = std::to_array<std::string_view>(
      {"text", "txt",   "plaintext", "output", "out",   "stdout", "console",  "terminal", "bash",
       "sh",   "shell", "zsh",       "json",   "diff",  "log",    "markdown", "md",       "xml",
       "html", "yaml",  "toml",      "csv",    "input", "in",     "stdin",    "latex"});
  return std::ranges::count(others, info) > 0;
}

// `word` as a whole word behind `before`: "def add" is no "def add_all".
size_t find_definition(std::string_view text, std::string_view before, std::string_view word) {
  const std::string wanted = std::string(before) + std::string(word);
  for (size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    const bool whole = end >= text.size() || !(is_letter_or_digit(text[end]) || text[end] == '_');
    const bool starts = at == 0 || !(is_letter_or_digit(text[at - 1]) || text[at - 1] == '_');
    if (whole && starts) return at;
  }
  return std::string_view::npos;
}

// The name that the tests call; empty where they run whole programs or say none.
std::string entry_of(const CodeProblem& problem) {
  if (!problem.script.entry.empty()) return problem.script.entry;
  if (!problem.task.entry.empty()) return problem.task.entry;
  constexpr std::string_view word = "assert ";
  const std::string& tests = problem.script.tests;
  const size_t at = tests.find(word);
  if (at == std::string::npos) return "";
  size_t end = at + word.size();
  while (end < tests.size() && (is_letter_or_digit(tests[end]) || tests[end] == '_')) ++end;
  return end < tests.size() && tests[end] == '(' ? tests.substr(at + word.size(), end - at - word.size()) : "";
}

bool defines(const Block& block, const std::string& entry) {
  if (find_definition(block.content, "def ", entry) != std::string_view::npos) return true;
  if (find_definition(block.content, "class ", entry) != std::string_view::npos) return true;
  return block.content.find('{') != std::string::npos &&
         find_definition(block.content, "", entry) != std::string_view::npos;
}

// The last block that defines what is tested, else the last of the language, else the last without a language; nothing
// where every block shows something else.
const Block* program_block(const std::vector<Block>& blocks, const std::string& entry) {
  const Block *defining = nullptr, *named = nullptr, *plain = nullptr;
  for (const Block& block : blocks) {
    if (is_other_text(block.info) || (!block.closed && block.content.empty())) continue;
    (block.info.empty() ? plain : named) = &block;
    if (!entry.empty() && defines(block, entry)) defining = &block;
  }
  return defining != nullptr ? defining : named != nullptr ? named : plain;
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

std::optional<std::string_view> tagged(std::string_view text, std::string_view tag) {
  if (tag.empty()) return std::nullopt;
  const std::string open = "<" + std::string(tag) + ">", close = "</" + std::string(tag) + ">";
  const size_t end = text.rfind(close);
  const size_t start = end == std::string_view::npos ? end : text.rfind(open, end);
  if (start == std::string_view::npos) return std::nullopt;
  return text.substr(start + open.size(), end - start - open.size());
}

}  // namespace

std::string extract_program(const CodeProblem& problem, std::string_view completion, std::string_view tag,
                            mathcheck::Think think) {
  const std::string_view said = mathcheck::behind_thought(completion, think).value_or("");
  const std::vector<Block> blocks = fenced_blocks(said);
  std::string program(said);
  bool marked = true;
  if (const Block* block = program_block(blocks, entry_of(problem)))
    program = block->content;
  else if (const auto inside = tagged(said, tag))
    program = *inside;
  else
    marked = false;
  const std::string& entry = problem.script.entry;
  if (problem.script.style != AssertScript::Style::humaneval || entry.empty()) {
    return problem.head + program + problem.tail;
  }
  if (find_definition(program, "def ", entry) == std::string_view::npos) {
    return problem.prompt + (marked ? program : std::string(body_only(program)));
  }
  // The prompt's imports and helper functions come first; the completion's own definitions replace them.
  const size_t own = find_definition(problem.prompt, "def ", entry);
  return (own == std::string_view::npos ? "" : problem.prompt.substr(0, own)) + program;
}

}  // namespace posttrain::rewards
