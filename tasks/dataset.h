// Training and evaluation data from JSONL files, in the shapes that public data sets have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/params.h"

namespace posttrain::tasks {

// Which field of a line holds what. The first of these pairs that a line has decides how it is read.
struct DataFields {
  std::string messages = "messages", tools = "tools";
  std::string prompt = "prompt", completion = "completion";
  std::string question = "question", answer = "answer";
  std::string problem = "problem", solution = "solution";
  void visit(Visitor& v) {
    v("messages", messages, {.doc = "Field with a conversation: a list of {role, content}"});
    v("tools", tools, {.doc = "Field with the tools of a conversation"});
    v("prompt", prompt, {.doc = "Field with a prompt: text, or a list of messages"});
    v("completion", completion, {.doc = "Field with the completion of a prompt"});
    v("question", question, {.doc = "Field with a question (GSM8K)"});
    v("answer", answer, {.doc = "Field with its worked answer; what stands behind ####, or all of it, is the result"});
    v("problem", problem, {.doc = "Field with a problem (MATH)"});
    v("solution", solution, {.doc = "Field with its solution; the last \\boxed{...} is the result"});
  }
};

// One line. Either a conversation, or a plain prompt and completion.
struct Record {
  size_t line = 0;       // counts from 1
  std::string messages;  // JSON: a list of messages, the last one the assistant's where it is known; "" if plain
  std::string tools;     // JSON, "" if none
  std::string prompt, completion;  // plain
  std::string question;            // what was asked, as plain text
  std::string reference;           // the result to check answers against; "" when the line has none
};

// Throws Error("<file>:<line>", ...) for a line that is no object or has none of the fields. Empty lines are skipped.
// `limit` 0: all.
std::vector<Record> read_dataset(const std::filesystem::path& file, const DataFields& fields = {}, size_t limit = 0);
// One line.
Record read_record(const Json& line, const DataFields& fields, const std::string& where);

// What stands behind the last "####", without spaces and thousands' commas (GSM8K); nothing when there is none.
std::optional<std::string> result_behind_hashes(const std::string& answer);
// What the last \boxed{...} or \fbox{...} holds, braces balanced (MATH); nothing when there is none.
std::optional<std::string> result_in_box(const std::string& solution);

}  // namespace posttrain::tasks
