// Cases that were wrong once, each with the value that a paper, TRL or verl gives.
#include <gtest/gtest.h>

#include <cmath>

#include "rl/advantage.h"
#include "rl/objective.h"

namespace posttrain::rl {
namespace {

std::vector<double> advantage_of(const ObjectiveSettings& settings, const std::vector<double>& rewards) {
  std::vector<ScoredSample> samples;
  for (const double r : rewards) samples.push_back({.group = 0, .reward = r, .length = 5});
  return advantages(settings, samples);
}

ObjectiveSettings nemo() {
  auto s = objective_preset("grpo");
  s.std_convention = StdConvention::nemo;
  return s;
}

// The std of the others is 0 where they are equal; seven times 0.95 leaves 1e-16 when it is rounded.
TEST(NemoStd, OneOddAnswerIsNotBlownUpWhateverTheDecimals) {
  const auto out = advantage_of(nemo(), {0, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95});
  EXPECT_NEAR(out[0], -0.83125, 1e-9);
  for (size_t i = 1; i < 8; ++i) EXPECT_NEAR(out[i], 0.330717993, 1e-6);
  for (const double usual : {0.1, 0.2, 0.7, 0.95, 1.1, 1.2, 1.3}) {
    for (int n = 3; n <= 33; ++n) {
      std::vector<double> rewards(static_cast<size_t>(n), usual);
      rewards.back() = 0;
      for (const double a : advantage_of(nemo(), rewards)) ASSERT_LT(std::fabs(a), 10) << usual << " x " << n;
    }
  }
}

TEST(EqualRewards, GiveExactlyZeroWhateverTheDecimalsForEveryKind) {
  for (const auto kind :
       {Advantage::group, Advantage::centred, Advantage::leave_one_out, Advantage::batch, Advantage::reinforce_pp,
        Advantage::reinforce_pp_baseline, Advantage::opo, Advantage::maxrl}) {
    for (const double reward : {0.1, 0.7, 0.95, 1.1, 1.2, -0.3}) {
      for (int n = 2; n <= 33; ++n) {
        auto s = objective_preset("grpo");
        s.advantage = kind;
        for (const double a : advantage_of(s, std::vector<double>(static_cast<size_t>(n), reward)))
          ASSERT_EQ(a, 0) << to_string(kind) << " " << reward << " x " << n;
      }
    }
  }
}

ObjectiveSettings maxrl() {
  auto s = objective_preset("grpo");
  s.advantage = Advantage::maxrl;
  return s;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12) << i;
}

TEST(MaxRl, KeepsTheOrderOfRewardsBelowZero) {
  expect_near(advantage_of(maxrl(), {-1, -1, -1, 0}), {-1, -1, -1, 3});
  expect_near(advantage_of(maxrl(), {1, -0.4, -0.4, -0.4}), {3, -1, -1, -1});
  expect_near(advantage_of(maxrl(), {0, 1, 1, 0}), {-1, 1, 1, -1});
  const auto tiny = advantage_of(maxrl(), {1, -1, 1e-9, 0});  // a mean of almost 0
  EXPECT_GT(tiny[0], tiny[2]);
  EXPECT_GT(tiny[2], tiny[3]);
  EXPECT_GT(tiny[3], tiny[1]);
  for (const double a : tiny) EXPECT_LE(std::fabs(a), 3) << "at most group size - 1";
}

// Answers of the given lengths, every log-probability -1 and `gap` above the old one.
struct Answers {
  ObjectiveBatch batch;
  std::vector<double> logp;

  Answers(const std::vector<int>& lengths, const std::vector<double>& advantage, double gap = 0) {
    batch.begin.push_back(0);
    batch.max_completion_tokens = 16;
    for (size_t i = 0; i < lengths.size(); ++i) {
      const auto length = static_cast<size_t>(lengths[i]);
      batch.begin.push_back(batch.begin.back() + lengths[i]);
      batch.group.push_back(0);
      batch.advantage.insert(batch.advantage.end(), length, advantage[i]);
      batch.old_logp.insert(batch.old_logp.end(), length, -1 - gap);
      batch.mask.insert(batch.mask.end(), length, 1);
      logp.insert(logp.end(), length, -1);
    }
  }
  ObjectiveResult evaluate(const ObjectiveSettings& s) const {
    return Objective(s, batch).evaluate(0, batch.samples(), logp, {}, -INFINITY);
  }
};

ObjectiveSettings rloo() {
  auto s = objective_preset("rloo");
  s.beta = 0;
  return s;
}

TEST(Rloo, EveryTokenOfAnAnswerGetsItsAdvantageOverTheNumberOfAnswers) {
  const auto result = Answers({2, 8}, {1, -1}).evaluate(rloo());
  for (int t = 0; t < 2; ++t) EXPECT_NEAR(result.dlogp[t], -0.5, 1e-12);
  for (int t = 2; t < 10; ++t) EXPECT_NEAR(result.dlogp[t], 0.5, 1e-12);
  EXPECT_NEAR(result.loss, 0, 1e-12);
}

TEST(Rloo, TheRatioThatIsClippedIsThatOfTheWholeAnswer) {
  const auto inside = Answers({3}, {1}, 0.05).evaluate(rloo());  // exp(0.15) = 1.162
  EXPECT_NEAR(inside.loss, -std::exp(0.15), 1e-12);
  EXPECT_NEAR(inside.dlogp[0], -std::exp(0.15), 1e-12);
  const auto clipped = Answers({5}, {1}, 0.05).evaluate(rloo());  // exp(0.25) = 1.284
  EXPECT_NEAR(clipped.loss, -1.2, 1e-12);
  EXPECT_EQ(clipped.dlogp[0], 0);
  EXPECT_EQ(clipped.clip_high, 1);
  EXPECT_EQ(clipped.clip_counted, 1);
}

TEST(K1InTheLoss, HasTheGradientOfTheKlAndNotOne) {
  auto s = objective_preset("grpo");
  s.kl = Kl::k1;
  s.beta = 1;
  Answers one({2}, {0});
  one.batch.ref_logp = {-1.5, -0.7};
  const auto result = one.evaluate(s);
  EXPECT_NEAR(result.kl[0], 0.5, 1e-12);
  EXPECT_NEAR(result.kl[1], -0.3, 1e-12);
  EXPECT_NEAR(result.kl_sum, 0.2, 1e-12);
  EXPECT_NEAR(result.dlogp[0], 0.5 / 2, 1e-12);
  EXPECT_NEAR(result.dlogp[1], -0.3 / 2, 1e-12);
}

// Over a whole distribution p: sum of p x slope x grad log p must be the gradient of KL(p || q).
TEST(KlInTheLoss, K1AndK2AverageToTheGradientOfTheKl) {
  const double theta = 0.3;  // p = sigmoid(theta), two outcomes
  const std::vector<double> p = {1 / (1 + std::exp(-theta)), 1 / (1 + std::exp(theta))}, q = {0.8, 0.2};
  const std::vector<double> dlogp = {p[1], -p[0]};  // d log p / d theta
  const double expected = p[0] * p[1] * (std::log(p[0] / q[0]) - std::log(p[1] / q[1]));
  for (const Kl kl : {Kl::k1, Kl::k2}) {
    auto s = objective_preset("grpo");
    s.kl = kl;
    s.beta = 1;
    double mean = 0;
    for (size_t k = 0; k < 2; ++k) {
      Answers one({1}, {0});
      one.logp = one.batch.old_logp = {std::log(p[k])};
      one.batch.ref_logp = {std::log(q[k])};
      mean += p[k] * one.evaluate(s).dlogp[0] * dlogp[k];
    }
    EXPECT_NEAR(mean, expected, 1e-12) << to_string(kl);
  }
}

TEST(ClipCounts, AreTheEdgesOfTheClipInUse) {
  const auto counts = [](const char* preset, double ratio, double advantage) {
    const auto r = Answers({1}, {advantage}, std::log(ratio)).evaluate(objective_preset(preset));
    return std::pair(r.clip_low, r.clip_high);
  };
  using Pair = std::pair<double, double>;
  EXPECT_EQ(counts("dapo", 1.3, 1), Pair(0, 1));
  EXPECT_EQ(counts("dapo", 1.3, -1), Pair(0, 0)) << "PPO keeps that gradient";
  EXPECT_EQ(counts("dapo", 0.7, -1), Pair(1, 0));
  EXPECT_EQ(counts("dapo", 0.7, 1), Pair(0, 0));
  EXPECT_EQ(counts("cispo", 5.5, 1), Pair(0, 1)) << "the cap is 5";
  EXPECT_EQ(counts("cispo", 5.5, -1), Pair(0, 1)) << "and holds for either sign";
  EXPECT_EQ(counts("cispo", 4.5, 1), Pair(0, 0));
  EXPECT_EQ(counts("cispo", 0.5, -1), Pair(0, 0)) << "there is no lower edge";
  EXPECT_EQ(counts("sapo", 0.1, -1), Pair(0, 0));
  EXPECT_EQ(counts("sapo", 9, 1), Pair(0, 0));
}

TEST(ClipCounts, OfASequenceRatioHaveBothEdges) {
  const auto s = objective_preset("gspo");  // 3e-4 below, 4e-4 above
  const auto low = Answers({4}, {-1}, -3.5e-4).evaluate(s), high = Answers({4}, {1}, 4.5e-4).evaluate(s);
  EXPECT_EQ(low.clip_low, 1);
  EXPECT_EQ(low.clip_high, 0);
  EXPECT_EQ(low.clip_counted, 1);
  EXPECT_EQ(low.dlogp[0], 0);
  EXPECT_EQ(high.clip_high, 1);
  EXPECT_EQ(high.clip_low, 0);
  const auto between = Answers({4}, {-1}, -2.5e-4).evaluate(s);
  EXPECT_EQ(between.clip_low, 0);
  EXPECT_NE(between.dlogp[0], 0);
}

TEST(OffPolicyMask, AsksForTheAdvantageOfTheTokensThatCount) {
  auto s = objective_preset("v3.2");
  s.beta = 0;
  const auto result = [&](const std::vector<double>& advantage) {
    Answers one({4}, {0}, -1);  // every token e times less likely than before: beyond the limit of 0.5
    one.batch.advantage = advantage;
    one.batch.mask = {0, 1, 1, 0};
    return one.evaluate(s);
  };
  EXPECT_EQ(result({9, -1, -1, 7}).dlogp[1], 0) << "negative where it counts: dropped";
  EXPECT_EQ(result({-9, 1, 1, -7}).dlogp[1], result({1, 1, 1, 1}).dlogp[1]) << "positive where it counts: kept";
  EXPECT_NE(result({-9, 1, 1, -7}).dlogp[1], 0);
}

TEST(ClipCounts, OfASequenceAskForTheAdvantageOfTheTokensThatCount) {
  Answers one({3}, {0}, 0.1);
  one.batch.advantage = {-5, 1, 1};
  one.batch.mask = {0, 1, 1};
  EXPECT_EQ(one.evaluate(objective_preset("gspo")).clip_high, 1);
}

TEST(Ratio, MeansAreOverTokensThatCount) {
  Answers one({3}, {1}, std::log(2.0));
  one.batch.old_logp[0] = -9;  // a ratio of e^8 that is masked
  one.batch.mask = {0, 1, 1};
  const auto result = one.evaluate(objective_preset("dapo"));
  EXPECT_NEAR(result.ratio_sum / result.counted, 2, 1e-12);
  EXPECT_NEAR(result.ratio_max, 2, 1e-12);
}

}  // namespace
}  // namespace posttrain::rl
