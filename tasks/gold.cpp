#include "tasks/gold.h"

#include <array>
#include <cmath>

#include "base/json.h"
#include "tasks/dataset.h"

namespace posttrain::tasks {
namespace {

constexpr std::array kAnswers = {"answer",      "final_answer",    "ground_truth",     "target",
                                 "label",       "expected_answer", "correct_answer",   "gold",
                                 "gold_answer", "golden_answers",  "reference_answer", "answers"};
constexpr std::array kHolders = {"reward_model", "extra_info", "metadata", "info"};
// What an answer that is an object keeps the answer in: TriviaQA, Search-R1, SQuAD.
constexpr std::array kInner = {"value", "text", "ground_truth", "target", "answer", "final_answer"};

bool is_blank_text(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// The result that a worked text marks; nothing when it marks none.
std::optional<std::string> marked_result(const std::string& text) {
  auto result = result_behind_hashes(text);
  if (!result || result->empty()) result = result_in_box(text);
  return result && !is_blank_text(*result) ? result : std::nullopt;
}

std::optional<std::string> in_object(const Json& object) {
  for (const char* name : kInner) {
    if (const Json* value = field_of(object, name)) {
      if (auto answer = spelled_answer(*value)) return answer;
    }
  }
  return object.empty() ? std::nullopt : std::optional(to_line(object));
}

// A worked solution: its result, or all of it where it is a line.
std::optional<std::string> solved(const Json& value) {
  if (value.is_array()) {
    for (const Json& one : value) {
      if (auto result = solved(one)) return result;
    }
    return std::nullopt;
  }
  if (!value.is_string()) return spelled_answer(value);
  const std::string text = value.get<std::string>();
  if (auto result = marked_result(text)) return result;
  return is_blank_text(text) || text.find('\n') != std::string::npos ? std::nullopt : std::optional(text);
}

// What the row itself answers: its completion, or the last message of its conversation.
std::string own_answer(const Json& row, const DataFields& fields) {
  for (const std::string& name : {fields.completion, fields.messages, fields.output}) {
    const Json* value = field_of(row, name);
    if (value == nullptr) continue;
    if (value->is_string()) return value->get<std::string>();
    if (!value->is_array() || value->empty() || !value->back().is_object()) continue;
    const Json* content = field_of(value->back(), "content");
    if (value->back().value("role", Json()) == "assistant" && content != nullptr && content->is_string())
      return content->get<std::string>();
  }
  return "";
}

}  // namespace

const Json* field_of(const Json& row, const std::string& name) {
  if (!row.is_object() || name.empty()) return nullptr;
  if (const auto found = row.find(name); found != row.end()) return found->is_null() ? nullptr : &*found;
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return nullptr;
  const Json* outer = field_of(row, name.substr(0, dot));
  return outer == nullptr ? nullptr : field_of(*outer, name.substr(dot + 1));
}

std::optional<std::string> spelled_answer(const Json& value) {
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    if (is_blank_text(text)) return std::nullopt;
    return marked_result(text).value_or(text);
  }
  if (value.is_number_float() && value.get<double>() == std::round(value.get<double>()) &&
      std::fabs(value.get<double>()) < 1e15) {
    return std::to_string(std::llround(value.get<double>()));
  }
  if (value.is_number() || value.is_boolean()) return to_line(value);
  if (value.is_object()) return in_object(value);
  if (!value.is_array()) return std::nullopt;
  std::optional<std::string> all;
  for (const Json& one : value) {
    const auto answer = spelled_answer(one);
    if (answer) all = all ? *all + ", " + *answer : *answer;
  }
  return all;
}

std::string gold_of(const Json& row, const DataFields& fields) {
  const DataFields usual;
  const auto first = [&](const std::string& name, const auto& spell) -> std::optional<std::string> {
    const Json* value = field_of(row, name);
    return value == nullptr ? std::nullopt : spell(*value);
  };
  std::optional<std::string> gold;
  const auto found = [&](std::optional<std::string> answer) { return (gold = std::move(answer)).has_value(); };
  if (fields.answer != usual.answer && found(first(fields.answer, spelled_answer))) return *gold;
  if (fields.solution != usual.solution && found(first(fields.solution, solved))) return *gold;
  for (const char* name : kAnswers) {
    if (found(first(name, spelled_answer))) return *gold;
  }
  for (const char* holder : kHolders) {
    for (const char* name : kAnswers) {
      if (found(first(std::string(holder) + "." + name, spelled_answer))) return *gold;
    }
    if (found(first(std::string(holder) + "." + usual.solution, solved))) return *gold;
  }
  if (found(first(usual.solution, solved))) return *gold;
  return marked_result(own_answer(row, fields)).value_or("");
}

std::optional<std::string> result_behind_hashes(const std::string& answer) {
  const size_t at = answer.rfind("####");
  if (at == std::string::npos) return std::nullopt;
  std::string result;
  for (const char c : answer.substr(at + 4)) {
    if (c == '\n' && !result.empty()) break;
    if (c != ' ' && c != '\t' && c != ',' && c != '\r' && c != '\n') result += c;
  }
  return result;
}

std::optional<std::string> result_in_box(const std::string& solution) {
  for (size_t at = solution.rfind('\\'); at != std::string::npos;
       at = at == 0 ? std::string::npos : solution.rfind('\\', at - 1)) {
    const bool boxed = solution.compare(at, 6, "\\boxed") == 0;
    if (!boxed && solution.compare(at, 5, "\\fbox") != 0) continue;
    size_t i = at + (boxed ? 6 : 5);
    while (i < solution.size() && solution[i] == ' ') ++i;
    if (i >= solution.size()) continue;
    if (solution[i] != '{') {  // \boxed 5
      const size_t end = solution.find_first_of(" \n$.", i);
      return solution.substr(i, end == std::string::npos ? end : end - i);
    }
    int depth = 0;
    for (size_t j = i; j < solution.size(); ++j) {
      if (solution[j] == '\\') {
        ++j;  // \{ and \} are no braces
      } else if (solution[j] == '{') {
        ++depth;
      } else if (solution[j] == '}' && --depth == 0) {
        return solution.substr(i + 1, j - i - 1);
      }
    }
  }
  return std::nullopt;
}

}  // namespace posttrain::tasks
