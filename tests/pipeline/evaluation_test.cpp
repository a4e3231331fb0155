#include "pipeline/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace posttrain::pipeline {
namespace {

rollout::ScoredGroup group(const std::vector<std::pair<std::string, bool>>& answers) {
  rollout::ScoredGroup out;
  for (const auto& [text, right] : answers) {
    rollout::Answer answer;
    answer.outcome.answer = text;
    answer.outcome.verdict = right ? Verdict::right : Verdict::wrong;
    answer.completion.ids = {1, 2, 3};
    out.answers.push_back(answer);
  }
  return out;
}

double value(const store::Metrics& metrics, const std::string& name) {
  for (const auto& [key, v] : metrics) {
    if (key == name) return v;
  }
  ADD_FAILURE() << "no " << name;
  return -1;
}

TEST(PassAtK, IsTheShareOfSubsetsWithARightAnswer) {
  for (int n = 1; n <= 10; ++n) {
    for (int c = 0; c <= n; ++c) {
      for (int k = 1; k <= n; ++k) {
        int subsets = 0, hits = 0;
        for (unsigned s = 0; s < 1u << n; ++s) {
          if (std::popcount(s) != k) continue;
          ++subsets;
          hits += (s & ((1u << c) - 1)) != 0;  // the first c answers are the right ones
        }
        EXPECT_NEAR(pass_at_k(n, c, k), static_cast<double>(hits) / subsets, 1e-12);
      }
    }
  }
}

TEST(Evaluation, PassAtOneIsTheMeanShareOfRightAnswers) {
  const std::vector<rollout::ScoredGroup> groups = {group({{"1", true}, {"2", false}}),
                                                    group({{"5", false}, {"5", false}})};
  const auto metrics = evaluate_groups(groups, 1);
  EXPECT_DOUBLE_EQ(value(metrics, "pass@1"), 0.25);
  EXPECT_DOUBLE_EQ(value(metrics, "pass@2"), 0.5);
  EXPECT_DOUBLE_EQ(value(metrics, "mean_length"), 3);
  EXPECT_LE(value(metrics, "pass@1_low"), 0.25);
  EXPECT_GE(value(metrics, "pass@1_high"), 0.25);
}

TEST(Evaluation, TheMajorityMayBeRightWhereMostSamplesAreWrong) {
  const std::vector<rollout::ScoredGroup> groups = {
      group({{"7", true}, {"7", true}, {"1", false}, {"2", false}, {"3", false}})};
  EXPECT_DOUBLE_EQ(value(evaluate_groups(groups, 1), "cons@5"), 1);
}

TEST(Evaluation, MajoritiesOfFewerAnswersLieBetweenOneAndAll) {
  std::vector<rollout::ScoredGroup> groups;
  for (int i = 0; i < 40; ++i) {
    groups.push_back(group(
        {{"7", true}, {"7", true}, {"7", true}, {"7", true}, {"1", false}, {"2", false}, {"3", false}, {"4", false}}));
  }
  const auto metrics = evaluate_groups(groups, 1);
  EXPECT_DOUBLE_EQ(value(metrics, "pass@1"), 0.5);
  EXPECT_DOUBLE_EQ(value(metrics, "cons@8"), 1);
  // Of 4 out of 8: 2 or more sevens win alone (53 of 70 subsets), one seven ties with three others (16 subsets).
  EXPECT_NEAR(value(metrics, "maj@4"), 53.0 / 70 + 16.0 / 70 / 4, 0.02);
}

TEST(Evaluation, IntervalsHoldTheirMeanAndShrinkWithMoreProblems) {
  const auto width = [](int problems) {
    std::vector<rollout::ScoredGroup> groups;
    for (int i = 0; i < problems; ++i) groups.push_back(group({{"7", i % 2 == 0}, {"8", i % 4 == 0}}));
    const auto metrics = evaluate_groups(groups, 1);
    for (const std::string name : {"pass@1", "pass@2", "cons@2"}) {
      EXPECT_LE(value(metrics, name + "_low"), value(metrics, name));
      EXPECT_GE(value(metrics, name + "_high"), value(metrics, name));
    }
    return value(metrics, "pass@1_high") - value(metrics, "pass@1_low");
  };
  EXPECT_NEAR(width(400) / width(100), 0.5, 0.1);
}

TEST(Evaluation, TiesAreSharedOutAndMissingAnswersDoNotVote) {
  EXPECT_DOUBLE_EQ(value(evaluate_groups(std::vector{group({{"7", true}, {"1", false}})}, 1), "cons@2"), 0.5);
  EXPECT_DOUBLE_EQ(value(evaluate_groups(std::vector{group({{"", false}, {"", false}, {"7", true}})}, 1), "cons@3"), 1);
  auto unread = group({{"", false}, {"", false}});
  for (auto& answer : unread.answers) answer.outcome.unparsed = true;
  EXPECT_DOUBLE_EQ(value(evaluate_groups(std::vector{unread}, 1), "cons@2"), 0);
}

bool has(const store::Metrics& metrics, const std::string& name) {
  return std::ranges::any_of(metrics, [&](const auto& m) { return m.first == name; });
}

// As `group`, where an answer "?" is one on which the judge failed.
rollout::ScoredGroup half_judged(const std::vector<std::pair<std::string, bool>>& answers) {
  auto out = group(answers);
  for (auto& answer : out.answers) {
    if (answer.outcome.answer == "?") answer.outcome.verdict = Verdict::failed;
  }
  return out;
}

TEST(Evaluation, AFailedJudgementIsNoWrongAnswer) {
  const std::vector groups = {half_judged({{"7", true}, {"?", false}, {"7", true}, {"?", false}}),
                              half_judged({{"7", true}, {"7", true}, {"1", false}, {"1", false}})};
  const auto metrics = evaluate_groups(groups, 1);
  EXPECT_DOUBLE_EQ(value(metrics, "pass@1"), 0.75);
  EXPECT_DOUBLE_EQ(value(metrics, "pass@4"), 1) << "of the one problem with four judged answers";
  EXPECT_DOUBLE_EQ(value(metrics, "failed"), 0.25);
}

TEST(Evaluation, BeyondHalfThereIsNoFigure) {
  const std::vector groups = {half_judged({{"7", true}, {"?", false}, {"?", false}, {"?", false}})};
  const auto metrics = evaluate_groups(groups, 1);
  EXPECT_FALSE(has_figure(metrics));
  for (const auto& [name, unused] : metrics) EXPECT_EQ(name.find('@'), std::string::npos) << name;
  EXPECT_DOUBLE_EQ(value(metrics, "failed"), 0.75);
  EXPECT_TRUE(has_figure(evaluate_groups(std::vector{half_judged({{"7", true}, {"?", false}})}, 1)));
}

TEST(Evaluation, WhereNoAnswerIsReadThereIsNothingToVoteOn) {
  auto proofs = group({{"", true}, {"", false}, {"", true}, {"", true}, {"", true}});
  EXPECT_FALSE(has(evaluate_groups(std::vector{proofs}, 1), "cons@5"));
  EXPECT_FALSE(has(evaluate_groups(std::vector{proofs}, 1), "maj@4"));
  proofs.answers[1].outcome.unparsed = true;  // a judge that reads answers and found none
  EXPECT_TRUE(has(evaluate_groups(std::vector{proofs}, 1), "cons@5"));
}

}  // namespace
}  // namespace posttrain::pipeline
