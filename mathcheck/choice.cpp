#include "mathcheck/choice.h"

#include <cctype>
#include <string>

#include "base/letters.h"

namespace posttrain::mathcheck {

namespace {

// "(B) is wrong", "B or C": behind a letter, what does not choose it.
bool rejects(std::string_view behind) {
  while (!behind.empty() && std::string_view(" )*].:,").find(behind.front()) != std::string_view::npos)
    behind.remove_prefix(1);
  for (const std::string_view words :
       {"is wrong", "is incorrect", "is not", "isn't", "is false", "or ", "cannot", "can't", "不"}) {
    if (behind.starts_with(words)) return true;
  }
  return false;
}

}  // namespace

std::optional<char> choice_letter(std::string_view normalized, bool& whole) {
  // Markup off: font commands, braces, emphasis.
  std::string text;
  for (size_t i = 0; i < normalized.size() && text.size() < 200; ++i) {
    const char c = normalized[i];
    if (c == '\\') {
      size_t end = i + 1;
      while (end < normalized.size() && is_letter(normalized[end])) ++end;
      const std::string_view name = normalized.substr(i + 1, end - i - 1);
      if (!name.starts_with("text") && !name.starts_with("math") && name != "mbox" && name != "boldsymbol" &&
          name != "bf" && name != "rm")
        return std::nullopt;
      i = end - 1;
      continue;
    }
    if (c == '{' || c == '}' || c == '*' || c == '`') continue;
    if (c == ' ' && (text.empty() || text.back() == ' ')) continue;
    text += c;
  }
  std::string_view rest = text;
  for (const std::string_view word : {"option ", "choice ", "Option ", "Choice ", "answer "}) {
    if (rest.starts_with(word)) rest.remove_prefix(word.size());
  }
  const bool paren = rest.starts_with('(') || rest.starts_with('[');
  if (paren) rest.remove_prefix(1);
  if (rest.empty()) return std::nullopt;
  const auto letter = static_cast<char>(std::toupper(static_cast<unsigned char>(rest[0])));
  if (letter < 'A' || letter > 'J') return std::nullopt;
  const bool upper = rest[0] == letter;
  rest.remove_prefix(1);
  std::string_view tail = rest;
  while (!tail.empty() && std::string_view(" .):]").find(tail.back()) != std::string_view::npos) tail.remove_suffix(1);
  whole = tail.empty();
  if (whole) return letter;
  if (!upper || rejects(rest)) return std::nullopt;
  if (paren) return rest.starts_with(')') || rest.starts_with(']') ? std::optional(letter) : std::nullopt;
  const bool marked = (rest.starts_with(')') || rest.starts_with('.') || rest.starts_with(':')) &&
                      (rest.size() < 2 || !is_letter_or_digit(rest[1]) || rest[0] != '.');
  return marked ? std::optional(letter) : std::nullopt;
}

std::optional<char> stated_choice(std::string_view reply) {
  if (reply.size() > 4000) reply.remove_prefix(reply.size() - 4000);
  const auto wordlike = [&](size_t i) { return i < reply.size() && is_letter_or_digit(reply[i]); };
  for (size_t at = reply.size(); at-- > 0;) {
    if (reply[at] < 'A' || reply[at] > 'J' || wordlike(at + 1) || (at > 0 && wordlike(at - 1))) continue;
    std::string_view before = reply.substr(0, at), after = reply.substr(at + 1);
    while (!before.empty() && std::string_view(" (*[").find(before.back()) != std::string_view::npos)
      before.remove_suffix(1);
    while (!after.empty() && std::string_view(" )*]").find(after.front()) != std::string_view::npos)
      after.remove_prefix(1);
    if (before.ends_with("not") || before.ends_with("or") || before.ends_with("than")) continue;
    for (const std::string_view verb :
         {"is correct", "is right", "is the correct", "is the right", "is the best", "is true"}) {
      if (after.starts_with(verb)) return reply[at];
    }
    for (const std::string_view lead :
         {"pick", "answer is", "Answer is", "choose", "Choose", "select", "Select", "option", "Option", "choice", "选",
          "选：", "选:", "选项", "选项：", "选项为", "选择", "【答案】", "答案】："}) {
      if (before.ends_with(lead) && !rejects(after)) return reply[at];
    }
  }
  return std::nullopt;
}

}  // namespace posttrain::mathcheck
