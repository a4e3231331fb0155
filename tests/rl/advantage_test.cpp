#include "rl/advantage.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::rl {
namespace {

ObjectiveSettings with(const std::string& kind, const std::string& convention = "trl",
                       const std::string& scope = "group") {
  auto s = objective_preset("grpo");
  s.advantage = kind;
  s.std_convention = convention;
  s.std_scope = scope;
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

TEST(Advantage, ReinforcePlusPlusWhitensOverTheBatch) {
  const auto out = advantages(with("reinforce++", "none"), group({0, 0, 0, 4}));
  double mean = 0, squares = 0;
  for (const double a : out) mean += a / 4;
  for (const double a : out) squares += (a - mean) * (a - mean);
  EXPECT_NEAR(mean, 0, 1e-12);
  EXPECT_NEAR(squares / 3, 1, 1e-6);
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

// Every pattern of rewards 0, 1, 0.1 + 0.2 and failed, up to 8 answers.
TEST(Advantage, OverAllRewardPatternsIsFiniteCentredAndZeroWithoutSpread) {
  const double values[] = {0, 1, 0.1 + 0.2};
  for (const std::string kind :
       {"group", "centred", "leave_one_out", "batch", "reinforce++", "reinforce++_baseline", "opo", "maxrl"}) {
    for (int n = 1; n <= 8; ++n) {
      const int patterns = n <= 6 ? 1 << (2 * n) : 4096;
      for (int p = 0; p < patterns; ++p) {
        const int code = n <= 6 ? p : p * 16 + p % 7;
        std::vector<ScoredSample> samples;
        for (int i = 0; i < n; ++i) {
          const int digit = (code >> (2 * i)) & 3;
          samples.push_back({.group = 0, .reward = digit < 3 ? values[digit] : 7, .length = 3, .valid = digit < 3});
        }
        const auto out = advantages(with(kind), samples);
        const auto flat = without_spread(samples);
        double sum = 0;
        for (int i = 0; i < n; ++i) {
          ASSERT_TRUE(std::isfinite(out[i])) << kind;
          ASSERT_LT(std::fabs(out[i]), 1e4) << kind;
          if (!samples[i].valid || flat[i]) {
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
