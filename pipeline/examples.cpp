#include "pipeline/examples.h"

#include <cmath>

#include "base/error.h"
#include "base/file.h"

namespace posttrain::pipeline {
namespace {

sft::Example example_of(const KeptAnswer& answer) {
  sft::Example example{.ids = answer.prompt, .weight = {}};
  example.weight.assign(example.ids.size(), 0);
  example.ids.insert(example.ids.end(), answer.completion.begin(), answer.completion.end());
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
  std::filesystem::create_directories(file.parent_path());
  write_file_atomically(file, lines);
}

std::vector<KeptAnswer> read_kept(const std::filesystem::path& file) {
  std::vector<KeptAnswer> answers;
  read_json_lines(file, [&](Json&& json, const std::string&) {
    answers.push_back({.problem = json.at("problem").get<std::string>(),
                       .prompt = json.at("prompt_ids").get<std::vector<int32_t>>(),
                       .completion = json.at("completion_ids").get<std::vector<int32_t>>(),
                       .text = json.at("text").get<std::string>(),
                       .reward = json.at("reward").get<double>()});
  });
  return answers;
}

std::vector<sft::Example> load_examples(Session& session, const std::vector<DataPart>& parts) {
  std::vector<sft::Example> examples;
  for (const DataPart& part : parts) {
    if (part.source == "stage") {
      const auto file = session.folder().data_of(part.stage);
      const auto kept = read_kept(file);
      const auto count =
          part.documents > 0 ? std::min<size_t>(kept.size(), static_cast<size_t>(part.documents)) : kept.size();
      if (count == 0) throw Failure(file.string(), "stage " + part.stage + " kept no answer to learn from");
      for (size_t i = 0; i < count; ++i) examples.push_back(example_of(kept[i]));
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
