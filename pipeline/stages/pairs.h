// Pairs of answers, better and worse, between stages: made from scored groups, kept as JSON lines, read by `dpo` and
// `reward_model`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/session.h"
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

// From a stage or a file; texts are tokenised as training examples are. Throws Error for a line of another shape,
// Failure when there is none.
std::vector<sft::AnswerPair> load_pairs(Session& session, const PairSource& source);

}  // namespace posttrain::pipeline
