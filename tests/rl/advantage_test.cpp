#include "rl/advantage.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::rl {
namespace {

ObjectiveSettings with(const std::string& kind, const std::string& convention = "trl",
                       const std::string& scope = "group") {
  auto s = objective_preset("grpo");
  s.advantage = from_name<Advantage>(kind).value();
  s.std_convention = from_name<StdConvention>(convention).value();
  s.std_scope = from_name<Scope>(scope).value();
  return s;
}

std::vector<ScoredSample> group(const std::vector<double>& rewards, int32_t id = 0) {
  std::vector<ScoredSample> out;
  for (const double r : rewards) out.push_back({.group = id, .reward = r, .length = 10});
  return out;
}

TEST(Advantage, GroupStdFollowsTheNamedConvention) {
  const auto samples = group({0, 0, 0, 1});  // mean 0.25, unbiased std 0.5, biased std sqrt(3)/4
  EXPECT_NEAR(advantages(with("group", "trl"), samples)[3], 0.75 / (0.5 + 1e-4), 1e-12);
  EXPECT_NEAR(advantages(with("group", "verl"), samples)[3], 0.75 / (0.5 + 1e-6), 1e-12);
  EXPECT_NEAR(advantages(with("group", "openrlhf"), samples)[3], 0.75 / (0.5 + 1e-9), 1e-12);
  EXPECT_NEAR(advantages(with("group", "open_instruct"), samples)[3], 0.75 / (std::sqrt(3) / 4 + 1e-8), 1e-12);
  EXPECT_NEAR(advantages(with("group", "none"), samples)[3], 0.75, 1e-12);
}

TEST(Advantage, BatchScopeDividesByTheStdOfAllRewards) {
  auto samples = group({0, 1}, 0);
  for (const auto& s : group({3, 4}, 1)) samples.push_back(s);  // rewards 0 1 3 4: unbiased std sqrt(10/3)
  EXPECT_NEAR(advantages(with("group", "trl", "batch"), samples)[2], -0.5 / (std::sqrt(10.0 / 3) + 1e-4), 1e-12);
}

TEST(Advantage, LeaveOneOutComparesWithTheMeanOfTheOthers) {
  EXPECT_NEAR(advantages(with("leave_one_out"), group({1, 0, 0, 2}))[0], 1 - 2.0 / 3, 1e-12);
}

TEST(Advantage, LengthWeightedBaselineOfOpo) {
  auto samples = group({1, 0});
  samples[0].length = 30;
  EXPECT_NEAR(advantages(with("opo"), samples)[0], 1 - 30.0 / 40, 1e-12);
}

TEST(Advantage, MaxRlDividesByTheMean) {
  EXPECT_NEAR(advantages(with("maxrl"), group({1, 0, 0, 0}))[0], 3, 1e-12);
  EXPECT_EQ(advantages(with("maxrl"), group({0, 0}))[0], 0);
}

TEST(Advantage, ReinforcePlusPlusWhitensOverTheTokensOfTheBatch) {
  auto samples = group({0, 0, 0, 4});
  samples[3].length = 30;  // 60 tokens: mean 2, squares 60 * 4
  const auto out = advantages(with("reinforce++"), samples);
  EXPECT_NEAR(out[3], 2 / std::sqrt(240.0 / 59), 1e-8);
  EXPECT_NEAR(out[0], -out[3], 1e-12);
}

TEST(Advantage, TheBaselineFormTakesTheGroupsMeanFirst) {
  auto samples = group({0, 1}, 0);
  for (const auto& s : group({5, 6}, 1)) samples.push_back(s);  // centred: -0.5 0.5 -0.5 0.5, 10 tokens each
  EXPECT_NEAR(advantages(with("reinforce++_baseline"), samples)[3], 0.5 / std::sqrt(40 * 0.25 / 39), 1e-7);
}

TEST(Advantage, BatchWhitensOverTheAnswers) {
  auto samples = group({0, 0, 0, 4});
  samples[3].length = 30;  // does not matter; unbiased std 2
  EXPECT_NEAR(advantages(with("batch"), samples)[3], 3.0 / 2, 1e-8);
}

TEST(Advantage, NemoTakesTheStdOfTheOthersAndNoneWhereTheyAreEqual) {
  auto settings = with("group", "nemo");
  EXPECT_NEAR(advantages(settings, group({0, 0, 2, 4}))[3], 2.5 / (std::sqrt(4.0 / 3) + 1e-6), 1e-9);
  EXPECT_NEAR(advantages(settings, group({0, 0, 0, 4}))[3], 3, 1e-12) << "one odd answer makes no spike";
}

TEST(Advantage, OtherRepositoriesConventionsByName) {
  const auto samples = group({0, 0, 0, 1});
  EXPECT_NEAR(advantages(with("group", "areal"), samples)[3], 0.75 / (0.5 + 1e-5), 1e-12);
  EXPECT_NEAR(advantages(with("group", "grpo_zero"), samples)[3], 0.75 / (std::sqrt(3) / 4 + 1e-4), 1e-12);
  EXPECT_NEAR(advantages(with("group", "dr_grpo_repo"), samples)[3], 0.75 / (0.5 + 1e-8), 1e-12);
}

// Written out for two answers: each part becomes -+ 0.5 / (std + 1e-4) with std = gap / sqrt(2), whatever its scale.
TEST(Advantage, NormalizeThenSumMakesRewardsOfAnyScaleCountAlike) {
  auto settings = with("group");
  settings.multi_reward = MultiReward::normalize_then_sum;
  std::vector<ScoredSample> samples(2);
  samples[0] = {.group = 0, .reward = 0, .parts = {1000, 0}, .part_weights = {1, 1}};
  samples[1] = {.group = 0, .reward = 0, .parts = {0, 1}, .part_weights = {1, 1}};
  const auto even = advantages(settings, samples);
  EXPECT_NEAR(even[0] + even[1], 0, 1e-9);
  EXPECT_LT(std::fabs(even[0]), 0.5) << "the two parts pull with nearly the same force";
  samples[0].part_weights = samples[1].part_weights = {3, 1};
  const double first = 500 / (1000 / std::sqrt(2.0) + 1e-4), second = 0.5 / (1 / std::sqrt(2.0) + 1e-4);
  const double sum = 3 * first - second;  // of answer 0; answer 1 has its negative
  EXPECT_NEAR(advantages(settings, samples)[0], sum / (sum * std::sqrt(2.0) + 1e-4), 1e-9);
}

TEST(Advantage, NormalizeThenSumLeavesAFailedJudgementOut) {
  auto settings = with("group");
  settings.multi_reward = MultiReward::normalize_then_sum;
  std::vector<ScoredSample> two(2);
  two[0] = {.group = 0, .reward = 0, .parts = {1, 0}, .part_weights = {1, 2}};
  two[1] = {.group = 0, .reward = 0, .parts = {0, 3}, .part_weights = {1, 2}};
  auto three = two;
  three.push_back({.group = 0, .reward = 0, .valid = false, .parts = {9, -9}, .part_weights = {1, 2}});
  const auto alone = advantages(settings, two), beside = advantages(settings, three);
  EXPECT_EQ(beside, (std::vector<double>{alone[0], alone[1], 0}));
  EXPECT_NE(alone[0], 0);
}

TEST(Advantage, OpoOfAnswersWithoutLengthTakesThePlainMean) {
  auto samples = group({1, 0, 0, 1});
  for (auto& s : samples) s.length = 0;
  EXPECT_EQ(advantages(with("opo"), samples), (std::vector<double>{0.5, -0.5, -0.5, 0.5}));
}

TEST(Advantage, TwoTokensAreEnoughToWhiten) {
  const auto white = whitened(std::vector<double>{0, 1}, std::vector<double>{1, 1});
  EXPECT_NEAR(white[0], -0.5 / std::sqrt(0.5 + 1e-8), 1e-12);
  EXPECT_NEAR(white[1], -white[0], 1e-12);
  EXPECT_EQ(whitened(std::vector<double>{0, 1}, std::vector<double>{1, 0}), (std::vector<double>{0, 0}));
}

TEST(Advantage, ARewardThatIsNotANumberCountsAsAFailedJudge) {
  for (const double odd : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    const auto out = advantages(with("centred"), group({0, 1, odd}));
    EXPECT_EQ(out, (std::vector<double>{-0.5, 0.5, 0}));
    EXPECT_EQ(without_spread(group({1, 1, odd})), (std::vector<uint8_t>{1, 1, 1}));
  }
}

TEST(Advantage, AGroupOfOneHasNothingToCompareWith) {
  EXPECT_EQ(advantages(with("group", "trl"), group({5}))[0], 0);
  EXPECT_EQ(advantages(with("group", "verl"), group({5}))[0], 5) << "verl keeps the raw reward";
  EXPECT_EQ(advantages(with("leave_one_out"), group({5}))[0], 0);
}

TEST(Advantage, AFailedJudgeIsOutOfEveryMeanAndGetsZero) {
  auto samples = group({0, 1, 100});
  samples[2].valid = false;
  const auto out = advantages(with("centred"), samples);
  EXPECT_EQ(out, (std::vector<double>{-0.5, 0.5, 0}));
}

// Every pattern of rewards 0, 1, 0.1 + 0.2 and failed or not a number, up to 8 answers.
TEST(Advantage, OverAllRewardPatternsIsFiniteCentredAndZeroWithoutSpread) {
  const double values[] = {0, 1, 0.1 + 0.2};
  for (const std::string kind :
       {"group", "centred", "leave_one_out", "batch", "reinforce++", "reinforce++_baseline", "opo", "maxrl"}) {
    for (int n = 1; n <= 8; ++n) {  // 8 answers: 65,536 patterns
      for (int code = 0; code < 1 << (2 * n); ++code) {
        std::vector<ScoredSample> samples;
        for (int i = 0; i < n; ++i) {
          const int digit = (code >> (2 * i)) & 3;
          const double reward = digit < 3 ? values[digit] : i % 2 == 0 ? 7 : std::nan("");
          samples.push_back({.group = 0, .reward = reward, .length = 3, .valid = digit < 3 || i % 2 != 0});
        }
        const auto out = advantages(with(kind), samples);
        const auto flat = without_spread(samples);
        double sum = 0;
        for (int i = 0; i < n; ++i) {
          ASSERT_TRUE(std::isfinite(out[i])) << kind;
          ASSERT_LT(std::fabs(out[i]), 1e4) << kind;
          if (!samples[i].valid || std::isnan(samples[i].reward) || flat[i]) {
            ASSERT_EQ(out[i], 0) << kind << " pattern " << code;
          }
          sum += out[i];
        }
        if (kind != "opo") {
          ASSERT_NEAR(sum, 0, 1e-6) << kind;
        }
      }
    }
  }
}

}  // namespace
}  // namespace posttrain::rl
