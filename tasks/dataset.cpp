#include "tasks/dataset.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lines.h"

namespace posttrain::tasks {
namespace {

std::string text_of(const Json& line, const std::string& field, const std::string& where) {
  if (!line[field].is_string()) throw Error(where, field, "text", to_line(line[field]).substr(0, 80));
  return line[field].get<std::string>();
}

// A short answer: a number is spelled (27.0 as 27), several answers are joined by commas.
std::string answer_of(const Json& value, const std::string& field, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float() && value.get<double>() == std::round(value.get<double>()) &&
      std::fabs(value.get<double>()) < 1e15) {
    return std::to_string(std::llround(value.get<double>()));
  }
  if (value.is_number()) return to_line(value);
  if (!value.is_array() || value.empty()) throw Error(where, field, "an answer", to_line(value).substr(0, 80));
  std::string all;
  for (const Json& one : value) all += (all.empty() ? "" : ", ") + answer_of(one, field, where);
  return all;
}

Json message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

void check_messages(const Json& messages, const std::string& field, const std::string& where) {
  if (!messages.is_array() || messages.empty())
    throw Error(where, field, "a list of messages", to_line(messages).substr(0, 80));
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].is_object() && messages[i].contains("role") && messages[i]["role"].is_string()) continue;
    throw Error(where, field + "[" + std::to_string(i) + "]", "an object with a role",
                to_line(messages[i]).substr(0, 80));
  }
}

std::string last_user_text(const Json& messages) {
  std::string text;
  for (const Json& one : messages) {
    if (one["role"] == "user" && one.contains("content") && one["content"].is_string())
      text = one["content"].get<std::string>();
  }
  return text;
}

Record conversation(const Json& messages, const Json& line, const DataFields& fields) {
  Record record;
  record.question = last_user_text(messages);
  record.messages = to_line(messages);
  if (line.contains(fields.tools) && line[fields.tools].is_array()) record.tools = to_line(line[fields.tools]);
  return record;
}

// A question with its worked answer becomes a conversation of two.
Record worked(const std::string& question, const std::string& answer, const std::optional<std::string>& result,
              const Json& line, const DataFields& fields) {
  Record record = conversation(Json::array({message("user", question), message("assistant", answer)}), line, fields);
  record.reference = result.value_or("");
  return record;
}

}  // namespace

Record read_record(const Json& line, const DataFields& fields, const std::string& where) {
  if (!line.is_object()) throw Error(where, "", "a JSON object", to_line(line).substr(0, 80));
  const auto has = [&](const std::string& field) { return line.contains(field) && !line[field].is_null(); };
  if (has(fields.messages)) {
    check_messages(line[fields.messages], fields.messages, where);
    return conversation(line[fields.messages], line, fields);
  }
  if (has(fields.prompt)) {
    if (line[fields.prompt].is_array()) {
      Json messages = line[fields.prompt];
      check_messages(messages, fields.prompt, where);
      if (has(fields.completion)) {
        if (line[fields.completion].is_array()) {
          check_messages(line[fields.completion], fields.completion, where);
          for (const Json& one : line[fields.completion]) messages.push_back(one);
        } else {
          messages.push_back(message("assistant", text_of(line, fields.completion, where)));
        }
      }
      return conversation(messages, line, fields);
    }
    Record record;
    record.prompt = record.question = text_of(line, fields.prompt, where);
    if (has(fields.completion)) record.completion = text_of(line, fields.completion, where);
    if (has(fields.answer))
      record.reference =
          line[fields.answer].is_string() ? line[fields.answer].get<std::string>() : to_line(line[fields.answer]);
    return record;
  }
  if (has(fields.question) && has(fields.answer)) {
    const std::string answer = answer_of(line[fields.answer], fields.answer, where);
    const std::string result = result_behind_hashes(answer).value_or(answer);
    return worked(text_of(line, fields.question, where), answer, result, line, fields);
  }
  if (has(fields.problem) && has(fields.solution)) {
    const std::string solution = text_of(line, fields.solution, where);
    Record record = worked(text_of(line, fields.problem, where), solution, result_in_box(solution), line, fields);
    if (record.reference.empty() && has(fields.answer))
      record.reference = answer_of(line[fields.answer], fields.answer, where);
    return record;
  }
  std::string keys;
  for (const auto& [key, value] : line.items()) keys += (keys.empty() ? "" : ", ") + key;
  throw Error(where, "",
              fields.messages + ", " + fields.prompt + " (and " + fields.completion + "), " + fields.question +
                  " and " + fields.answer + ", or " + fields.problem + " and " + fields.solution,
              keys.empty() ? "no fields" : keys);
}

std::vector<Record> read_dataset(const std::filesystem::path& file, const DataFields& fields, size_t limit) {
  std::vector<Record> records;
  for_each_line(read_file(file), [&](std::string_view line, size_t number) {
    if (is_blank(line) || (limit > 0 && records.size() >= limit)) return;
    const std::string where = file.string() + ":" + std::to_string(number);
    records.push_back(read_record(parse_json_line(line, where), fields, where));
    records.back().line = number;
  });
  return records;
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
