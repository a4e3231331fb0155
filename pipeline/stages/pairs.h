// Pairs of answers, better and worse, between stages: made from scored groups, kept as JSON lines, read by `dpo` and
// `reward_model`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/stage.h"
#include "pipeline/stage_type.h"
#include "sft/dpo.h"

namespace posttrain::pipeline {

// What a `reject` or `judge` stage wrote, or JSON lines.
struct PairSource {
  std::string stage, path;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
  // The stage, in the field "pairs".
  std::vector<StageReference> references() const;
};

// Right answers of a group with wrong ones, at most `limit` pairs: each answer as seldom again as possible, equal texts
// once. Answers whose judge failed or gave up are in no pair.
std::vector<sft::AnswerPair> right_and_wrong(const rollout::ScoredGroup& group, int64_t limit);

// JSON lines with prompt_ids, chosen_ids, rejected_ids and their texts; written whole or not at all.
void write_pairs(const std::filesystem::path& file, const std::vector<sft::AnswerPair>& pairs,
                 const Tokenizer& tokenizer);

// The pairs of a file: prompt as text or messages, chosen and rejected as texts, messages or whole conversations, or
// ids. Throws Error for a line of another shape, Failure when there is no pair.
struct LoadedPairs {
  std::vector<sft::AnswerPair> pairs;
  std::vector<std::string> where;  // "<file>:<line>" of each
  int64_t alike = 0;               // left out: chosen and rejected are the same
};
LoadedPairs load_pairs(const std::filesystem::path& file, const Renderer& renderer);

// From a stage or a file, less what is longer than `longest` tokens, prompt and answer together, or with answers cut to
// that: counted and said either way. `facts` are for TrainingStage::data.
struct TrainingPairs {
  std::vector<sft::AnswerPair> pairs;
  store::Metrics facts;
};
TrainingPairs load_pairs(StageRun& run, const PairSource& source, const text::DataSettings& data, int64_t longest);

}  // namespace posttrain::pipeline
