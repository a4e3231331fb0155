#include "pipeline/stages/examples.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "pipeline/length_tally.h"
#include "tasks/dataset.h"

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

std::vector<sft::Example> read_examples(const std::filesystem::path& file, const Renderer& renderer,
                                        size_t& lost_thoughts, std::vector<std::string>& places) {
  std::vector<sft::Example> examples;
  read_json_lines(file, [&](Json&& line, const std::string& where) {
    places.push_back(where);
    if (line.is_object() && line.contains("prompt_ids")) {
      examples.push_back(example_of(ids_in(line, "prompt_ids", where), ids_in(line, "completion_ids", where)));
      return;
    }
    const tasks::DataRow row = tasks::read_row(std::move(line), {}, where);
    if (!row.answered) throw Error(where, "", "an answer to learn from", "none");
    const auto [tokens, lost] = renderer.example(row.document);
    examples.push_back(example_of(tokens));
    lost_thoughts += lost;
  });
  return examples;
}

namespace {

// Every example of the parts with the name of its place.
struct NamedExamples {
  std::vector<sft::Example> examples;
  std::vector<std::string> where;
};

NamedExamples read_parts(Session& session, const std::vector<DataPart>& parts) {
  NamedExamples all;
  size_t lost_thoughts = 0;
  for (const DataPart& part : parts) {
    if (part.source == "stage" || part.source == "file") {
      const std::filesystem::path file =
          part.path.empty() ? session.folder().data_of(part.stage) : std::filesystem::path(part.path);
      std::vector<std::string> where;
      auto kept = read_examples(file, session.renderer(), lost_thoughts, where);
      if (kept.empty()) throw Failure(file.string(), "there is no answer to learn from");
      const size_t taken =
          part.documents > 0 ? std::min(kept.size(), static_cast<size_t>(part.documents)) : kept.size();
      std::move(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(taken), std::back_inserter(all.examples));
      std::move(where.begin(), where.begin() + static_cast<ptrdiff_t>(taken), std::back_inserter(all.where));
      continue;
    }
    const int64_t count =
        part.documents > 0 ? part.documents : std::llround(part.share * static_cast<double>(all.examples.size()));
    for (int64_t i = 0; i < count; ++i) {
      if (i % 1000 == 0) session.progress().phase("tokenize", i, count);
      const auto document = session.task().document(source_of(part.source), session.seed(), static_cast<uint64_t>(i));
      const auto [tokens, lost] = session.renderer().example(document);
      all.examples.push_back(example_of(tokens));
      all.where.push_back(part.source + " document " + std::to_string(i + 1));
      lost_thoughts += lost;
    }
  }
  if (lost_thoughts > 0) {
    session.progress().note("the chat template leaves out the think blocks of " + std::to_string(lost_thoughts) +
                            " earlier answers: they are learnt without them");
  }
  return all;
}

}  // namespace

LoadedExamples load_examples(StageRun& run, const std::vector<DataPart>& parts, const text::DataSettings& data,
                             int64_t longest) {
  NamedExamples all = read_parts(run.session, parts);
  LengthTally tally("example", longest, "the shorter of row_tokens and the model's positions", data);
  LoadedExamples out;
  for (size_t i = 0; i < all.examples.size(); ++i) {
    sft::Example& example = all.examples[i];
    const auto fate = tally.look(std::ssize(example.ids), all.where[i]);
    if (fate == LengthTally::Fate::left_out) continue;
    if (fate == LengthTally::Fate::cut) {
      example.ids.resize(static_cast<size_t>(longest));
      example.weight.resize(static_cast<size_t>(longest));
    }
    out.examples.push_back(std::move(example));
  }
  if (tally.overlong() > 0) run.session.progress().note(run.spec.name + ": " + tally.note());
  if (out.examples.empty() && tally.seen() > 0)
    throw Error("stages." + run.spec.name, "data", "an example of at most " + std::to_string(longest) + " tokens",
                "the shortest has " + std::to_string(tally.shortest()));
  out.facts = data_metrics(tally);
  return out;
}

}  // namespace posttrain::pipeline
