#include "pipeline/preflight/survey.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "pipeline/stages/examples.h"

namespace posttrain::pipeline {
namespace {

constexpr int64_t generated_rows = 512;  // looked at where a task has rows without end
constexpr size_t shown_rows = 64;

void count_row(RowCount& rows, const std::string& where) {
  if (rows.count++ == 0) rows.first = where;
}

uint64_t hash_of(const std::vector<int32_t>& ids) {
  const std::string_view bytes(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(int32_t));
  return std::hash<std::string_view>{}(bytes);
}

}  // namespace

double PromptSurvey::mean_tokens() const {
  return static_cast<double>(std::accumulate(tokens.begin(), tokens.end(), int64_t{0})) /
         static_cast<double>(std::max<size_t>(1, tokens.size()));
}

Survey::Survey(const Recipe& recipe, const RunInputs& inputs, int64_t limit,
               std::function<void(int64_t done, int64_t total)> watch)
    : recipe_(recipe), inputs_(inputs), limit_(limit), watch_(std::move(watch)) {}

const PromptSurvey& Survey::prompts(text::Split split) {
  const auto [found, fresh] = prompts_.try_emplace(split);
  PromptSurvey& out = found->second;
  if (!fresh) return out;
  PromptSurvey counted{.size = inputs_.task->size(split)};
  const int64_t count = std::min(limit_, counted.size > 0 ? counted.size : generated_rows);
  for (int64_t i = 0; i < count; ++i) {
    if (watch_ && i % 1000 == 0) watch_(i, count);
    text::Problem problem = inputs_.task->problem(split, static_cast<uint64_t>(recipe_.seed), static_cast<uint64_t>(i));
    const auto ids = inputs_.renderer->prompt(problem);
    const std::string row = problem.where.empty() ? problem.id : problem.where;
    const auto length = std::ssize(ids);
    counted.tokens.push_back(length);
    if (length > counted.longest) counted.longest_row = row;
    counted.longest = std::max(counted.longest, length);
    if (problem.answer.empty()) count_row(counted.no_gold, row);
    if (problem.prompt.empty() && problem.messages.is_null()) count_row(counted.empty, row);
    if (counted.size > 0 && !counted.rows_by_hash.try_emplace(hash_of(ids), row).second)
      count_row(counted.repeated, row);
    if (counted.problems.size() >= shown_rows) continue;
    counted.texts.push_back(inputs_.tokenizer->decode(ids));
    counted.problems.push_back(std::move(problem));
  }
  return out = std::move(counted);
}

const PromptSurvey* Survey::looked_at(text::Split split) const {
  const auto found = prompts_.find(split);
  return found == prompts_.end() || found->second.tokens.empty() ? nullptr : &found->second;
}

const TextSurvey& Survey::texts(const DataPart& part, int64_t before) {
  const int64_t count = part.documents > 0 ? part.documents : std::llround(part.share * static_cast<double>(before));
  const auto key = part.source + "|" + part.path + "|" + std::to_string(count);
  const auto found = texts_.find(key);
  if (found != texts_.end()) return found->second;
  return texts_[key] = part.source == "file" ? file_texts(part) : task_texts(part, count);
}

TextSurvey Survey::task_texts(const DataPart& part, int64_t count) const {
  const auto source = part.source == "traces"    ? text::Source::traces
                      : part.source == "general" ? text::Source::general
                                                 : text::Source::corpus;
  TextSurvey out{.documents = count, .lengths = {}, .sample = {}};
  for (int64_t i = 0; i < std::min(count, limit_); ++i) {
    if (watch_ && i % 1000 == 0) watch_(i, count);
    const auto document = inputs_.task->document(source, static_cast<uint64_t>(recipe_.seed), static_cast<uint64_t>(i));
    const auto ids = inputs_.renderer->example(document).tokens.ids;
    out.lengths.push_back(std::ssize(ids));
    if (i < std::ssize(out.lengths) && i < static_cast<int64_t>(shown_rows))
      out.sample += inputs_.tokenizer->decode(ids) + "\n";
  }
  return out;
}

TextSurvey Survey::file_texts(const DataPart& part) const {
  size_t lost_thoughts = 0;
  std::vector<std::string> where;
  auto examples = read_examples(part.path, *inputs_.renderer, lost_thoughts, where);
  if (examples.empty()) throw Error(part.path, "", "at least one answer to learn from", "none");
  if (part.documents > 0 && std::ssize(examples) > part.documents) examples.resize(static_cast<size_t>(part.documents));
  TextSurvey out{.documents = std::ssize(examples), .lengths = {}, .sample = {}};
  for (const sft::Example& example : examples) {
    out.lengths.push_back(std::ssize(example.ids));
    if (out.lengths.size() <= shown_rows) out.sample += inputs_.tokenizer->decode(example.ids) + "\n";
  }
  return out;
}

}  // namespace posttrain::pipeline
