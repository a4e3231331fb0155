// A figure is what its name says: which answers it is taken over, and that equal rewards have no deviation at all.
#include "rl/metrics.h"

#include <gtest/gtest.h>

#include <limits>

namespace posttrain::rl {
namespace {

rollout::Answer answer(double reward, Verdict verdict) {
  rollout::Answer out;
  out.completion.ids = {1, 2};
  out.outcome.total = reward;
  out.outcome.verdict = verdict;
  return out;
}

rollout::ScoredGroup group_of(const std::vector<double>& rewards, Verdict verdict = Verdict::wrong) {
  rollout::ScoredGroup group;
  for (const double r : rewards) group.answers.push_back(answer(r, verdict));
  return group;
}

double metric(const store::Metrics& metrics, const std::string& name) {
  for (const auto& [key, value] : metrics) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no " << name;
  return -1;
}

store::Metrics written(const std::vector<rollout::ScoredGroup>& drawn, const std::vector<rollout::ScoredGroup>& trained,
                       bool dynamic_sampling = false) {
  RolloutMetrics metrics(dynamic_sampling);
  metrics.add_round(drawn, {});
  metrics.add_trained(trained);
  store::Metrics out;
  metrics.write(out, 1);
  return out;
}

TEST(RolloutMetrics, EqualRewardsHaveNoDeviationWhateverTheirDecimals) {
  for (const double reward : {0.1, 0.2, 0.7, 0.95, 1.0, 1.1, 1.2, 1.3}) {
    for (size_t n = 2; n <= 33; ++n) {
      const auto group = group_of(std::vector<double>(n, reward));
      const auto out = written({group, group}, {group, group});
      ASSERT_EQ(metric(out, "frac_reward_zero_std"), 1) << reward << " x " << n;
      ASSERT_EQ(metric(out, "reward_std"), 0) << reward << " x " << n;
      ASSERT_EQ(metric(out, "reward"), reward);
    }
  }
}

TEST(RolloutMetrics, AGroupWithTheLeastSpreadIsNotFlat) {
  const double next = std::nextafter(0.1, 1);
  const auto out = written({}, {group_of({0.1, 0.1, next, 0.1}), group_of({0.1, 0.1})});
  EXPECT_EQ(metric(out, "frac_reward_zero_std"), 0.5);
}

TEST(RolloutMetrics, DeviationIsThatOfTheSample) {
  EXPECT_NEAR(metric(written({}, {group_of({0, 0, 0, 1})}), "reward_std"), 0.5, 1e-12);
}

TEST(RolloutMetrics, DroppedGroupsAreNotMixedIntoWhatIsTrainedOn) {
  const auto kept = group_of({1, 0.5}, Verdict::right), dropped = group_of({0, 0}, Verdict::wrong);
  const auto out = written({kept, dropped}, {kept}, true);
  EXPECT_EQ(metric(out, "reward"), 0.75);
  EXPECT_EQ(metric(out, "accuracy"), 1);
  EXPECT_EQ(metric(out, "dynamic_sampling/reward"), 0.375);
  EXPECT_EQ(metric(out, "dynamic_sampling/accuracy"), 0.5);
  EXPECT_EQ(metric(out, "dynamic_sampling/filled_up"), 0);
}

TEST(RolloutMetrics, AGroupThatOnlyFillsUpCountsAsFlat) {
  auto filler = group_of({0, -0.5});
  filler.left_out = true;
  const auto out = written({filler}, {filler}, true);
  EXPECT_EQ(metric(out, "frac_reward_zero_std"), 1);
  EXPECT_EQ(metric(out, "dynamic_sampling/filled_up"), 1);
}

TEST(RolloutMetrics, AFailedJudgementIsNoZeroInAnyMean) {
  rollout::ScoredGroup group = group_of({1, 1}, Verdict::right);
  group.answers.push_back(answer(0, Verdict::failed));
  group.answers.push_back(answer(std::numeric_limits<double>::quiet_NaN(), Verdict::wrong));
  const auto out = written({group}, {group});
  EXPECT_EQ(metric(out, "reward"), 1);
  EXPECT_EQ(metric(out, "accuracy"), 1);
  EXPECT_EQ(metric(out, "frac_reward_zero_std"), 1);
  EXPECT_EQ(metric(out, "verdicts/failed"), 1);
}

TEST(UpdateMetrics, KlIsTheMeanOverCountedTokensOfAllMicroBatches) {
  UpdateMetrics sums;
  ObjectiveResult one, two;
  one.counted = 3;
  one.kl_sum = 0.6;
  two.counted = 1;
  two.kl_sum = 0.4;
  sums.add(one);
  sums.add(two);
  store::Metrics out;
  sums.write(out, 1e-3, 1);
  EXPECT_NEAR(metric(out, "kl"), 0.25, 1e-12);
}

TEST(UpdateMetrics, ImportanceIsTrainersOverSamplersAndRatioNewOverOld) {
  UpdateMetrics sums;
  ObjectiveResult moved;
  moved.counted = 2;
  moved.ratio_sum = 3;
  moved.ratio_min = 0.5;
  moved.ratio_max = 2.5;
  sums.add(moved);
  for (const double weight : {1.0, 0.8, 1.5}) sums.add_importance(weight);
  store::Metrics out;
  sums.write(out, 1e-3, 1);
  EXPECT_EQ(metric(out, "ratio/min"), 0.5);
  EXPECT_EQ(metric(out, "ratio/mean"), 1.5);
  EXPECT_EQ(metric(out, "ratio/max"), 2.5);
  EXPECT_EQ(metric(out, "sampling/importance_sampling_ratio/min"), 0.8);
  EXPECT_NEAR(metric(out, "sampling/importance_sampling_ratio/mean"), 1.1, 1e-12);
  EXPECT_EQ(metric(out, "sampling/importance_sampling_ratio/max"), 1.5);
}

}  // namespace
}  // namespace posttrain::rl
