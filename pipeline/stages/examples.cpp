#include "pipeline/stages/examples.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "tasks/dataset.h"
#include "text/chat.h"
#include "text/loss_mask.h"

namespace posttrain::pipeline {
namespace {

sft::Example example_of(const TokenizedExample& tokenized) {
  return {.ids = tokenized.ids, .weight = {tokenized.loss.begin(), tokenized.loss.end()}};
}

std::vector<int32_t> ids_in(const Json& line, const char* field, const std::string& where) {
  try {
    return line.at(field).get<std::vector<int32_t>>();
  } catch (const Json::exception& error) {
    throw Error(where, field, "a list of token ids", error.what());
  }
}

sft::Example example_of(const std::vector<int32_t>& prompt, const std::vector<int32_t>& completion) {
  sft::Example example{.ids = prompt, .weight = {}};
  example.weight.assign(example.ids.size(), 0);
  example.ids.insert(example.ids.end(), completion.begin(), completion.end());
  example.weight.resize(example.ids.size(), 1);
  return example;
}

text::Source source_of(const std::string& name) {
  if (name == "traces") return text::Source::traces;
  return name == "general" ? text::Source::general : text::Source::corpus;
}

}  // namespace

void write_kept(const std::filesystem::path& file, const std::vector<KeptAnswer>& answers) {
  std::string lines;
  for (const KeptAnswer& a : answers) {
    const Json line = {{"problem", a.problem},
                       {"prompt_ids", a.prompt},
                       {"completion_ids", a.completion},
                       {"text", a.text},
                       {"reward", a.reward}};
    lines += to_line(line) + "\n";
  }
  make_folders(file.parent_path());
  write_file_atomically(file, lines);
}

std::vector<sft::Example> read_examples(const std::filesystem::path& file, const Tokenizer& tokenizer) {
  std::vector<sft::Example> examples;
  std::optional<ChatTemplate> chat;
  read_json_lines(file, [&](Json&& line, const std::string& where) {
    if (line.is_object() && line.contains("prompt_ids")) {
      examples.push_back(example_of(ids_in(line, "prompt_ids", where), ids_in(line, "completion_ids", where)));
      return;
    }
    const tasks::Record record = tasks::read_record(line, {}, where);
    if (record.messages.empty()) {
      examples.push_back(example_of(tokenize_completion(tokenizer, record.prompt, record.completion)));
      return;
    }
    if (!chat) chat.emplace(tokenizer, where);
    examples.push_back(example_of(tokenize_chat(tokenizer, *chat, parse_json(record.messages, where),
                                                record.tools.empty() ? Json() : parse_json(record.tools, where), {})));
  });
  return examples;
}

std::vector<sft::Example> load_examples(Session& session, const std::vector<DataPart>& parts) {
  std::vector<sft::Example> examples;
  for (const DataPart& part : parts) {
    if (part.source == "stage" || part.source == "file") {
      const std::filesystem::path file =
          part.path.empty() ? session.folder().data_of(part.stage) : std::filesystem::path(part.path);
      auto kept = read_examples(file, session.tokenizer());
      if (kept.empty()) throw Failure(file.string(), "there is no answer to learn from");
      if (part.documents > 0 && std::ssize(kept) > part.documents) kept.resize(static_cast<size_t>(part.documents));
      std::ranges::move(kept, std::back_inserter(examples));
      continue;
    }
    const int64_t count =
        part.documents > 0 ? part.documents : std::llround(part.share * static_cast<double>(examples.size()));
    size_t lost_thoughts = 0;
    for (int64_t i = 0; i < count; ++i) {
      if (i % 1000 == 0) session.progress().phase("tokenize", i, count);
      const auto document = session.task().document(source_of(part.source), session.seed(), static_cast<uint64_t>(i));
      auto [tokens, lost] = session.renderer().example(document);
      examples.push_back({std::move(tokens.ids), {tokens.loss.begin(), tokens.loss.end()}});
      lost_thoughts += lost;
    }
    if (lost_thoughts > 0) {
      session.progress().note("the chat template leaves out the think blocks of " + std::to_string(lost_thoughts) +
                              " earlier answers: they are learnt without them");
    }
  }
  return examples;
}

}  // namespace posttrain::pipeline
