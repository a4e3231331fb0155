// One road from a row of data to a problem and to a text to learn from, in the shapes that public data sets have.
#pragma once

#include <string>

#include "base/params.h"
#include "text/task.h"

namespace posttrain::tasks {

// Which field of a row holds what: a name, or a path such as "extra_info.question". A field that a recipe names comes
// before those with the usual names.
struct DataFields {
  std::string messages = "messages", tools = "tools";
  std::string prompt = "prompt", completion = "completion";
  std::string question = "question", answer = "answer";
  std::string problem = "problem", solution = "solution";
  std::string instruction = "instruction", input = "input", output = "output";
  void visit(Visitor& v) {
    v("messages", messages, {.doc = "Field with a conversation: a list of {role, content}"});
    v("tools", tools, {.doc = "Field with the tools of a conversation"});
    v("prompt", prompt, {.doc = "Field with a prompt: text, or a list of messages"});
    v("completion", completion, {.doc = "Field with the completion of a prompt"});
    v("question", question, {.doc = "Field with a question (GSM8K)"});
    v("answer", answer,
      {.doc = "Field with the answer; its result stands behind ####, in \\boxed{}, or is all of it. Looked for "
              "otherwise: answer, final_answer, ground_truth, target, label, the same in reward_model or extra_info, "
              "solution"});
    v("problem", problem, {.doc = "Field with a problem (MATH)"});
    v("solution", solution, {.doc = "Field with its worked solution; the last \\boxed{...} is the result"});
    v("instruction", instruction, {.doc = "Field with an instruction (Alpaca)"});
    v("input", input, {.doc = "Field with what the instruction is about"});
    v("output", output, {.doc = "Field with the answer to an instruction"});
  }
};

struct DataRow {
  text::Problem problem;  // without an id
  text::Document document;
  bool answered = false;  // the document holds an answer to learn
};

// Reads one row; `extra` is the whole of it, `answer` is gold_of (tasks/gold.h), `statement` the field formal_statement
// or statement. What is asked is the first of these that is there: messages, prompt, question, problem, instruction;
// the last three become a user's message. Throws Error(where, ...) for a row that is no object or asks nothing.
DataRow read_row(Json&& row, const DataFields& fields, const std::string& where);

// The statement to be proved of a row, or "".
std::string statement_of(const Json& row);

}  // namespace posttrain::tasks
