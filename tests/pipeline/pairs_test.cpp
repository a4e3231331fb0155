#include "pipeline/stages/pairs.h"

#include <gtest/gtest.h>

namespace posttrain::pipeline {
namespace {

rollout::ScoredGroup group(const std::vector<std::pair<std::string, Verdict>>& answers) {
  rollout::ScoredGroup out{.problem = {}, .prompt = {1}, .answers = {}};
  for (const auto& [text, verdict] : answers) {
    rollout::Answer answer;
    answer.text = text;
    answer.completion.ids = {static_cast<int32_t>(text[0])};
    answer.outcome.verdict = verdict;
    out.answers.push_back(answer);
  }
  return out;
}

using enum Verdict;

TEST(Pairs, StandARightAnswerBesideAWrongOneEachAsSeldomAgainAsPossible) {
  const auto pairs = right_and_wrong(group({{"a", right}, {"b", wrong}, {"c", wrong}, {"d", right}, {"e", wrong}}), 10);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[0].chosen.ids[0], 'a');
  EXPECT_EQ(pairs[0].rejected.ids[0], 'b');
  EXPECT_EQ(pairs[1].chosen.ids[0], 'd');
  EXPECT_EQ(pairs[1].rejected.ids[0], 'c');
  EXPECT_EQ(pairs[2].chosen.ids[0], 'a');
  EXPECT_EQ(pairs[2].rejected.ids[0], 'e');
  EXPECT_EQ(right_and_wrong(group({{"a", right}, {"b", wrong}, {"c", wrong}}), 1).size(), 1u);
}

TEST(Pairs, NeedBothSidesDifferentTextsAndAVerdict) {
  EXPECT_TRUE(right_and_wrong(group({{"a", right}, {"b", right}}), 4).empty());
  EXPECT_TRUE(right_and_wrong(group({{"a", right}, {"b", failed}, {"c", undecided}}), 4).empty());
  EXPECT_EQ(right_and_wrong(group({{"a", right}, {"a", right}, {"b", wrong}, {"b", wrong}}), 4).size(), 1u);
}

}  // namespace
}  // namespace posttrain::pipeline
