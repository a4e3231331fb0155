#include "tasks/dataset.h"

#include <utility>
#include <vector>

#include "base/error.h"
#include "tasks/gold.h"

namespace posttrain::tasks {
namespace {

std::string shown(const Json& value) {
  return to_line(value).substr(0, 80);
}

std::string text_in(const Json& value, const std::string& field, const std::string& where) {
  if (!value.is_string()) throw Error(where, field, "text", shown(value));
  return value.get<std::string>();
}

Json message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

void check_messages(const Json& messages, const std::string& field, const std::string& where) {
  if (!messages.is_array() || messages.empty()) throw Error(where, field, "a list of messages", shown(messages));
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].is_object() && messages[i].contains("role") && messages[i]["role"].is_string()) continue;
    throw Error(where, field + "[" + std::to_string(i) + "]", "an object with a role", shown(messages[i]));
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

// A worked answer as text: several are joined by commas.
std::string worked_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return spelled_answer(value).value_or("");
}

class RowReader {
 public:
  RowReader(const Json& row, const DataFields& fields, const std::string& where)
      : row_(row), fields_(fields), where_(where) {}

  // Whether the row asks something in this way; fills the row then.
  bool messages(const std::string& field) {
    const Json* value = field_of(row_, field);
    if (value == nullptr) return false;
    check_messages(*value, field, where_);
    conversation(*value);
    return true;
  }

  bool prompt(const std::string& field) {
    const Json* value = field_of(row_, field);
    if (value == nullptr) return false;
    const Json* completion = field_of(row_, fields_.completion);
    if (!value->is_array()) {
      out_.problem.prompt = text_in(*value, field, where_);
      const std::string answer = completion != nullptr ? text_in(*completion, fields_.completion, where_) : "";
      out_.document = {.text = out_.problem.prompt + answer, .prompt_bytes = out_.problem.prompt.size(), .ends = true};
      out_.answered = !answer.empty();
      return true;
    }
    Json all = *value;
    check_messages(all, field, where_);
    if (completion != nullptr && completion->is_array()) {
      check_messages(*completion, fields_.completion, where_);
      for (const Json& one : *completion) all.push_back(one);
    } else if (completion != nullptr) {
      all.push_back(message("assistant", text_in(*completion, fields_.completion, where_)));
    }
    conversation(std::move(all));
    return true;
  }

  // A question and, in the first of `answers` that is there, its worked answer.
  bool question(const std::string& field, const std::vector<std::string>& answers) {
    const Json* value = field_of(row_, field);
    if (value == nullptr) return false;
    std::string asked = text_in(*value, field, where_);
    const Json* about = field == fields_.instruction ? field_of(row_, fields_.input) : nullptr;
    if (about != nullptr && about->is_string() && !about->get<std::string>().empty())
      asked += "\n\n" + about->get<std::string>();
    Json all = Json::array({message("user", asked)});
    for (const std::string& name : answers) {
      const Json* answer = field_of(row_, name);
      const std::string text = answer != nullptr ? worked_text(*answer) : "";
      if (text.empty()) continue;
      all.push_back(message("assistant", text));
      break;
    }
    conversation(std::move(all));
    return true;
  }

  DataRow take() { return std::move(out_); }

 private:
  void conversation(Json all) {
    out_.answered = all.back()["role"] == "assistant";
    out_.document.messages = all;
    if (const Json* tools = field_of(row_, fields_.tools); tools != nullptr && tools->is_array())
      out_.document.tools = out_.problem.tools = *tools;
    if (out_.answered) all.erase(all.size() - 1);
    out_.problem.prompt = last_user_text(all);
    out_.problem.messages = std::move(all);
  }

  const Json& row_;
  const DataFields& fields_;
  const std::string& where_;
  DataRow out_;
};

}  // namespace

std::string statement_of(const Json& row) {
  for (const char* name : {"formal_statement", "statement"}) {
    if (const Json* value = field_of(row, name); value != nullptr && value->is_string())
      return value->get<std::string>();
  }
  return "";
}

DataRow read_row(Json&& row, const DataFields& fields, const std::string& where) {
  if (!row.is_object()) throw Error(where, "", "a JSON object", shown(row));
  const DataFields usual;
  RowReader reader(row, fields, where);
  bool asks = false;
  for (const bool named : {true, false}) {  // what the recipe names goes first
    const auto now = [&](const std::string& field, const std::string& known) {
      return !asks && (field != known) == named;
    };
    if (now(fields.messages, usual.messages)) asks = reader.messages(fields.messages);
    if (now(fields.prompt, usual.prompt)) asks = reader.prompt(fields.prompt);
    if (now(fields.question, usual.question))
      asks = reader.question(fields.question, {fields.answer, fields.solution, fields.output});
    if (now(fields.problem, usual.problem))
      asks = reader.question(fields.problem, {fields.solution, fields.answer, fields.output});
    if (now(fields.instruction, usual.instruction))
      asks = reader.question(fields.instruction, {fields.output, fields.answer, fields.solution});
  }
  if (!asks) {
    std::string keys;
    for (const auto& [key, value] : row.items()) keys += (keys.empty() ? "" : ", ") + key;
    throw Error(where, "",
                fields.messages + ", " + fields.prompt + " (and " + fields.completion + "), " + fields.question + ", " +
                    fields.problem + " or " + fields.instruction + ", with their answers",
                keys.empty() ? "no fields" : keys);
  }
  DataRow out = reader.take();
  out.problem.answer = gold_of(row, fields);
  out.problem.statement = statement_of(row);
  out.problem.where = where;
  out.problem.extra = std::move(row);
  return out;
}

}  // namespace posttrain::tasks
