#include "pipeline/stages/pairs.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "text/loss_mask.h"

namespace posttrain::pipeline {
namespace {

// The different answers of one verdict.
std::vector<const rollout::Answer*> answers_of(const rollout::ScoredGroup& group, Verdict verdict) {
  std::vector<const rollout::Answer*> answers;
  std::set<std::string> seen;
  for (const auto& answer : group.answers) {
    const bool usable = answer.outcome.verdict == verdict && !answer.completion.ids.empty();
    if (usable && seen.insert(answer.text).second) answers.push_back(&answer);
  }
  return answers;
}

std::vector<int32_t> ids_of(const Json& line, const char* field) {
  return line.at(field).get<std::vector<int32_t>>();
}

sft::AnswerPair read_pair(const Json& line, const Tokenizer& tokenizer, const std::string& where) {
  sft::AnswerPair pair;
  if (line.contains("prompt_ids")) {
    pair.prompt = ids_of(line, "prompt_ids");
    pair.chosen.ids = ids_of(line, "chosen_ids");
    pair.rejected.ids = ids_of(line, "rejected_ids");
  } else {
    const auto prompt = line.at("prompt").get<std::string>();
    const auto answer = [&](const char* field) {
      const auto example = tokenize_completion(tokenizer, prompt, line.at(field).get<std::string>());
      const auto begin = std::ranges::find(example.loss, 1) - example.loss.begin();
      pair.prompt.assign(example.ids.begin(), example.ids.begin() + begin);
      return std::vector<int32_t>(example.ids.begin() + begin, example.ids.end());
    };
    pair.chosen.ids = answer("chosen");
    pair.rejected.ids = answer("rejected");
  }
  if (pair.prompt.empty() || pair.chosen.ids.empty() || pair.rejected.ids.empty()) {
    throw Error(where, "prompt, chosen, rejected", "at least one token each", "an empty one");
  }
  return pair;
}

}  // namespace

void PairSource::visit(Visitor& v) {
  v("stage", stage, {.doc = "A `reject` or `judge` stage that kept pairs"});
  v("path", path,
    {.doc = "Or JSON lines with prompt, chosen and rejected, or prompt_ids, chosen_ids and rejected_ids",
     .path = true});
}

void PairSource::check(const Complain& complain) const {
  if (stage.empty() == path.empty()) complain("", "expected exactly one of stage and path");
}

std::vector<StageReference> PairSource::references() const {
  return stage.empty() ? std::vector<StageReference>{} : std::vector<StageReference>{{"pairs.stage", stage, "pairs"}};
}

std::vector<sft::AnswerPair> right_and_wrong(const rollout::ScoredGroup& group, int64_t limit) {
  const auto right = answers_of(group, Verdict::right), wrong = answers_of(group, Verdict::wrong);
  std::vector<sft::AnswerPair> pairs;
  if (right.empty() || wrong.empty()) return pairs;
  const auto count = std::min<size_t>(static_cast<size_t>(limit), std::max(right.size(), wrong.size()));
  for (size_t i = 0; i < count; ++i) {
    pairs.push_back({.prompt = group.prompt,
                     .chosen = {.ids = right[i % right.size()]->completion.ids},
                     .rejected = {.ids = wrong[i % wrong.size()]->completion.ids}});
  }
  return pairs;
}

void write_pairs(const std::filesystem::path& file, const std::vector<sft::AnswerPair>& pairs,
                 const Tokenizer& tokenizer) {
  std::string lines;
  for (const auto& pair : pairs) {
    const Json line = {{"prompt_ids", pair.prompt},
                       {"chosen_ids", pair.chosen.ids},
                       {"rejected_ids", pair.rejected.ids},
                       {"prompt", tokenizer.decode(pair.prompt)},
                       {"chosen", tokenizer.decode(pair.chosen.ids)},
                       {"rejected", tokenizer.decode(pair.rejected.ids)}};
    lines += to_line(line) + "\n";
  }
  make_folders(file.parent_path());
  write_file_atomically(file, lines);
}

std::vector<sft::AnswerPair> load_pairs(Session& session, const PairSource& source) {
  const std::filesystem::path file =
      source.path.empty() ? session.folder().pairs_of(source.stage) : std::filesystem::path(source.path);
  std::vector<sft::AnswerPair> pairs;
  read_json_lines(file, [&](Json&& line, const std::string& where) {
    try {
      pairs.push_back(read_pair(line, session.tokenizer(), where));
    } catch (const Json::exception& error) {
      throw Error(where, "", "prompt, chosen and rejected, or prompt_ids, chosen_ids and rejected_ids", error.what());
    }
  });
  if (pairs.empty()) throw Failure(file.string(), "no pair to learn from");
  return pairs;
}

}  // namespace posttrain::pipeline
