#include "pipeline/stages/pairs.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/folders.h"
#include "pipeline/length_tally.h"
#include "tasks/dataset.h"
#include "tasks/gold.h"

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

// What one side of a pair says, and the conversation before it: a text, an answer's message, or a conversation that
// may begin with the prompt's own messages.
struct Side {
  Json before;  // messages; null = none of its own
  Json answer;  // the assistant's message
};

Side side_of(const Json& value, const std::string& field, const std::string& where) {
  if (value.is_string()) return {Json(), {{"role", "assistant"}, {"content", value}}};
  Json messages = value.is_object() ? Json::array({value}) : value;
  const bool ends = messages.is_array() && !messages.empty() && messages.back().is_object() &&
                    messages.back().value("role", Json()) == "assistant" &&
                    messages.back().value("content", Json()).is_string();
  if (!ends) throw Error(where, field, "text, or messages whose last is the assistant's", to_line(value).substr(0, 80));
  Side side{Json(), messages.back()};
  messages.erase(messages.size() - 1);
  if (!messages.empty()) side.before = std::move(messages);
  return side;
}

// The prompt of a row of pairs: text, or messages; null = it stands before the answers.
Json prompt_of(const Json& line) {
  const tasks::DataFields fields;
  for (const std::string& name : {fields.prompt, fields.messages}) {
    if (const Json* value = tasks::field_of(line, name)) return *value;
  }
  for (const std::string& name : {fields.question, fields.problem, fields.instruction}) {
    const Json* value = tasks::field_of(line, name);
    if (value != nullptr) return Json::array({{{"role", "user"}, {"content", *value}}});
  }
  return {};
}

const Json& side_in(const Json& line, const char* field, const std::string& where) {
  const Json* value = tasks::field_of(line, field);
  if (value == nullptr)
    throw Error(where, field, "prompt, chosen and rejected, or prompt_ids, chosen_ids and rejected_ids", "none");
  return *value;
}

sft::AnswerPair read_pair(const Json& line, const Renderer& renderer, const std::string& where) {
  sft::AnswerPair pair;
  if (line.is_object() && line.contains("prompt_ids")) {
    pair.prompt = ids_of(line, "prompt_ids");
    pair.chosen.ids = ids_of(line, "chosen_ids");
    pair.rejected.ids = ids_of(line, "rejected_ids");
    return pair;
  }
  const Json &chosen = side_in(line, "chosen", where), &rejected = side_in(line, "rejected", where);
  const Side better = side_of(chosen, "chosen", where), worse = side_of(rejected, "rejected", where);
  if (better.before != worse.before)
    throw Error(where, "rejected", "an answer to what chosen answers", to_line(rejected).substr(0, 80));
  Json prompt = prompt_of(line);
  if (!better.before.is_null()) prompt = better.before;
  const bool texts = chosen.is_string() && rejected.is_string();
  if (prompt.is_string() && !texts) prompt = Json::array({{{"role", "user"}, {"content", prompt}}});
  if (prompt.is_string()) {
    pair.prompt = renderer.plain_prompt(prompt.get<std::string>());
  } else if (prompt.is_array()) {
    const Json* tools = tasks::field_of(line, "tools");
    pair.prompt = renderer.prompt(prompt, tools != nullptr ? *tools : Json());
  } else {
    throw Error(where, "prompt", "text or messages, or chosen and rejected as whole conversations", "none");
  }
  pair.chosen.ids = renderer.answer(better.answer["content"].get<std::string>());
  pair.rejected.ids = renderer.answer(worse.answer["content"].get<std::string>());
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

LoadedPairs load_pairs(const std::filesystem::path& file, const Renderer& renderer) {
  LoadedPairs out;
  read_json_lines(file, [&](Json&& line, const std::string& where) {
    try {
      sft::AnswerPair pair = read_pair(line, renderer, where);
      if (pair.prompt.empty() || pair.chosen.ids.empty() || pair.rejected.ids.empty())
        throw Error(where, "prompt, chosen, rejected", "at least one token each", "an empty one");
      if (pair.chosen.ids == pair.rejected.ids) {
        ++out.alike;
        return;
      }
      out.pairs.push_back(std::move(pair));
      out.where.push_back(where);
    } catch (const Json::exception& error) {
      throw Error(where, "", "prompt, chosen and rejected, or prompt_ids, chosen_ids and rejected_ids", error.what());
    }
  });
  if (out.pairs.empty()) {
    throw Failure(file.string(), out.alike > 0 ? "no pair to learn from: chosen and rejected are the same in all"
                                               : "no pair to learn from");
  }
  return out;
}

TrainingPairs load_pairs(StageRun& run, const PairSource& source, const text::DataSettings& data, int64_t longest) {
  Session& session = run.session;
  const std::filesystem::path file =
      source.path.empty() ? session.folder().pairs_of(source.stage) : std::filesystem::path(source.path);
  LoadedPairs loaded = load_pairs(file, session.renderer());
  const auto say = [&](const std::string& text) { session.progress().note(run.spec.name + ": " + text); };
  if (loaded.alike > 0)
    say(std::to_string(loaded.alike) + " pairs of " + file.string() +
        " are left out: chosen and rejected are the same");
  LengthTally tally("pair", longest, "the model's positions", data);
  TrainingPairs out;
  for (size_t i = 0; i < loaded.pairs.size(); ++i) {
    sft::AnswerPair& pair = loaded.pairs[i];
    const auto prompt = std::ssize(pair.prompt);
    const auto fate =
        tally.look(prompt + std::max(std::ssize(pair.chosen.ids), std::ssize(pair.rejected.ids)), loaded.where[i]);
    if (fate == LengthTally::Fate::left_out) continue;
    if (fate == LengthTally::Fate::cut) {
      const auto room = static_cast<size_t>(std::max<int64_t>(0, longest - prompt));
      for (auto* answer : {&pair.chosen, &pair.rejected}) answer->ids.resize(std::min(room, answer->ids.size()));
      if (pair.chosen.ids == pair.rejected.ids) continue;  // nothing is left of what tells them apart
    }
    out.pairs.push_back(std::move(pair));
  }
  if (tally.overlong() > 0) say(tally.note());
  if (out.pairs.empty())
    throw Error("stages." + run.spec.name, "pairs", "a pair of at most " + std::to_string(longest) + " tokens",
                "the shortest has " + std::to_string(tally.shortest()));
  out.facts = data_metrics(tally);
  if (loaded.alike > 0) out.facts.emplace_back("data/alike", static_cast<double>(loaded.alike));
  return out;
}

}  // namespace posttrain::pipeline
