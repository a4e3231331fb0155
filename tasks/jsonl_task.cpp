#include "tasks/jsonl_task.h"

#include "base/error.h"

namespace posttrain::tasks {
namespace {

Json parsed(const std::string& json) {
  return json.empty() ? Json() : parse_json(json, "record");
}

std::vector<Record> read(const std::string& file, const JsonlSettings& settings) {
  if (file.empty()) return {};
  auto records = read_dataset(file, settings.fields, static_cast<size_t>(settings.limit));
  if (records.empty()) throw Error(file, "", "at least one line", "none");
  return records;
}

bool answered(const Json& messages) {
  return messages.back().value("role", "") == "assistant";
}

}  // namespace

void JsonlSettings::visit(Visitor& v) {
  v("train", train, {.doc = "JSONL to train on", .path = true});
  v("test", test, {.doc = "JSONL to evaluate on", .path = true});
  v("limit", limit, {.doc = "Take this many lines of each; 0 = all", .min = 0});
  v("fields", fields, {.doc = "Names of the fields, where they are others"});
}

JsonlTask::JsonlTask(const JsonlSettings& settings)
    : settings_(settings), train_(read(settings.train, settings)), test_(read(settings.test, settings)) {
  if (train_.empty() && test_.empty()) throw Error("task", "train", "a JSONL file", "neither train nor test");
}

const Record& JsonlTask::record(text::Split split, uint64_t seed, uint64_t index) const {
  const auto& all = records(split);
  if (all.empty()) throw Error("task", split == text::Split::test ? "test" : "train", "a JSONL file", "none");
  PassOrder& order = split == text::Split::test ? test_order_ : train_order_;
  return all[order.at(index, all.size(), Rng({seed, hash_name("jsonl/order")}))];
}

text::Problem JsonlTask::problem(text::Split split, uint64_t seed, uint64_t index) const {
  const Record& r = record(split, seed, index);
  Json messages = parsed(r.messages);
  if (!messages.is_null() && answered(messages)) messages.erase(messages.size() - 1);
  return {.id = (split == text::Split::test ? "test:" : "train:") + std::to_string(r.line),
          .prompt = r.question,
          .answer = r.reference,
          .extra = {},
          .messages = std::move(messages),
          .tools = parsed(r.tools)};
}

text::Document JsonlTask::document(text::Source, uint64_t seed, uint64_t index) const {
  const Record& r = record(text::Split::train, seed, index);
  text::Document document{.text = r.prompt + r.completion,
                          .prompt_bytes = r.prompt.size(),
                          .ends = true,
                          .messages = parsed(r.messages),
                          .tools = parsed(r.tools)};
  const bool complete = document.messages.is_null() ? !r.completion.empty() : answered(document.messages);
  if (!complete) throw Error(settings_.train + ":" + std::to_string(r.line), "", "an answer to learn from", "none");
  return document;
}

}  // namespace posttrain::tasks
