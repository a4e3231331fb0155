#include "pipeline/alerts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::pipeline {
namespace {

using store::Metrics;

std::vector<std::string> codes(const std::vector<store::Alert>& alerts) {
  std::vector<std::string> names;
  for (const auto& alert : alerts) names.push_back(alert.code);
  return names;
}

using Codes = std::vector<std::string>;

// A step of a run that does well.
Metrics healthy(double t) {
  return {{"reward", 0.5 + 0.9 * t},
          {"accuracy", 0.25 + 0.7 * t},
          {"frac_reward_zero_std", 0.4 * t},
          {"completions/mean_length", 11.5 + 15 * t},
          {"completions/clipped_ratio", 0.01},
          {"entropy", 0.3 - 0.27 * t},
          {"kl", 0.02 * t},
          {"grad_norm", 0.5},
          {"logp_mismatch_max", 0}};
}

Metrics with(Metrics metrics, const std::string& name, double value) {
  for (auto& [key, old] : metrics) {
    if (key == name) {
      old = value;
      return metrics;
    }
  }
  metrics.emplace_back(name, value);
  return metrics;
}

TEST(Alerts, AHealthyRunRaisesNone) {
  Alerts alerts;
  for (int64_t s = 1; s <= 80; ++s) {
    EXPECT_EQ(codes(alerts.step(s, healthy(static_cast<double>(s) / 80))), Codes{}) << "step " << s;
    if (s % 10 == 0) {
      EXPECT_EQ(codes(alerts.eval(s, "mod", 256, {{"pass@1", 0.25 + static_cast<double>(s) / 120}})), Codes{});
    }
  }
  EXPECT_FALSE(alerts.collapsed());
}

TEST(Alerts, MetricsOfOtherStagesAreFine) {
  Alerts alerts;
  for (int64_t s = 1; s <= 30; ++s)
    EXPECT_EQ(codes(alerts.step(s, {{"loss", 1.0}, {"grad_norm", 0.5}, {"entropy", 0.001}})), Codes{});
  EXPECT_EQ(codes(alerts.step(31, {})), Codes{});
}

TEST(Alerts, EachRuleFiresOnItsOwnMetric) {
  const struct {
    const char* metric;
    double value;
    const char* code;
  } cases[] = {{"frac_reward_zero_std", 1.0, "no-reward-variance"},
               {"completions/clipped_ratio", 0.51, "cut-off"},
               {"completions/unparsed_ratio", 0.95, "unparsed"},
               {"kl", 2.1, "kl-runaway"},
               {"logp_mismatch_max", 1e-7, "mismatch"},
               {"logp_mismatch_max", std::nan(""), "mismatch"},
               {"grad_norm", 5.1, "grad-spike"}};
  for (const auto& c : cases) {
    Alerts alerts;
    for (int64_t s = 1; s <= 12; ++s) ASSERT_EQ(codes(alerts.step(s, healthy(0))), Codes{});
    EXPECT_EQ(codes(alerts.step(13, with(healthy(0), c.metric, c.value))), Codes{c.code}) << c.metric << " " << c.value;
  }
}

TEST(Alerts, ShareOfFlatGroupsAndEntropyAreJudgedOverAWindow) {
  Alerts alerts;
  for (int64_t s = 1; s <= 10; ++s) {
    const Metrics flat = with(with(healthy(0), "frac_reward_zero_std", 0.9), "entropy", 0.005);
    EXPECT_EQ(codes(alerts.step(s, flat)), s == 5 ? (Codes{"few-useful-groups", "entropy-floor"}) : Codes{}) << s;
  }
}

TEST(Alerts, AnAlertThatLastsIsRepeatedAfterAWhileOnly) {
  Alerts alerts;
  int64_t said = 0;
  for (int64_t s = 1; s <= 60; ++s) said += static_cast<int64_t>(alerts.step(s, with(healthy(0), "kl", 3)).size());
  EXPECT_EQ(said, 3);  // steps 1, 26 and 51
}

TEST(Alerts, ALearningRateThatIsTooHighIsCalledACollapse) {
  Alerts alerts;
  Codes said;
  for (int64_t s = 1; s <= 40; ++s) {
    // Accuracy rises to 0.5 and falls to chance; the format reward keeps the total up.
    const double t = s <= 20 ? static_cast<double>(s) / 20 : std::max(0.0, 1 - static_cast<double>(s - 20) / 8);
    const Metrics metrics = with(with(healthy(0), "accuracy", 0.1 + 0.4 * t), "reward", 0.6 + 0.4 * t);
    for (const auto& code : codes(alerts.step(s, metrics))) said.push_back(code);
  }
  EXPECT_EQ(said, Codes{"collapse"});
  EXPECT_TRUE(alerts.collapsed());
}

TEST(Alerts, GivingUpWorkForGuessesIsSaid) {
  Alerts alerts;
  Codes said;
  for (int64_t s = 1; s <= 40; ++s) {
    const double t = static_cast<double>(s) / 40;
    Metrics metrics = with(healthy(0), "completions/mean_length", 11.5 - 7 * t);
    metrics = with(with(metrics, "accuracy", 0.25 - 0.1 * t), "reward", 0.5);
    for (const auto& code : codes(alerts.step(s, metrics))) said.push_back(code);
  }
  EXPECT_EQ(said, Codes{"length-collapse"});
}

TEST(Alerts, ShorterAnswersAsOftenWrongAsBeforeAreGuesses) {
  Alerts alerts;
  Codes said;
  for (int64_t s = 1; s <= 40; ++s) {
    const Metrics metrics = with(healthy(0), "completions/mean_length", 11.5 - 5 * static_cast<double>(s) / 40);
    for (const auto& code : codes(alerts.step(s, metrics))) said.push_back(code);
  }
  EXPECT_EQ(said, Codes{"length-collapse"});
}

TEST(Alerts, EvaluationsWhoseAnswersShortenWithoutGettingRightAreGuesses) {
  Alerts alerts;
  EXPECT_EQ(codes(alerts.eval(0, "mod", 256, {{"pass@1", 0.28}, {"mean_length", 11}})), Codes{});
  EXPECT_EQ(codes(alerts.eval(10, "mod", 256, {{"pass@1", 0.6}, {"mean_length", 7}})), Codes{}) << "shorter and better";
  EXPECT_EQ(codes(alerts.eval(20, "mod", 256, {{"pass@1", 0.27}, {"mean_length", 9}})), Codes{"collapse"});
  Alerts others;
  others.eval(0, "mod", 256, {{"pass@1", 0.28}, {"mean_length", 11}});
  EXPECT_EQ(codes(others.eval(10, "mod", 256, {{"pass@1", 0.27}, {"mean_length", 7}})), Codes{"length-collapse"});
  EXPECT_TRUE(others.collapsed());
}

TEST(Alerts, RamblingThatEndsWhileAccuracyMultipliesIsNoCollapse) {
  Alerts alerts;
  for (int64_t s = 1; s <= 40; ++s) {
    const double t = static_cast<double>(s) / 40;
    const Metrics metrics = with(with(healthy(0), "completions/mean_length", 60 - 40 * t), "accuracy", 0.05 + 0.3 * t);
    EXPECT_EQ(codes(alerts.step(s, metrics)), Codes{}) << s;
  }
}

TEST(Alerts, ShorterAnswersThatAreRightAreNoCollapse) {
  Alerts alerts;
  for (int64_t s = 1; s <= 40; ++s) {
    const double t = static_cast<double>(s) / 40;
    const Metrics metrics = with(healthy(t), "completions/mean_length", 16 - 10 * t);
    EXPECT_EQ(codes(alerts.step(s, metrics)), Codes{});
  }
}

TEST(Alerts, AccuracyThatFallsWhileTheRewardRisesIsCalledHacking) {
  Alerts alerts;
  for (int64_t s = 1; s <= 10; ++s) alerts.step(s, healthy(0.5));
  EXPECT_EQ(codes(alerts.eval(10, "mod", 256, {{"pass@1", 0.6}})), Codes{});
  for (int64_t s = 11; s <= 20; ++s) alerts.step(s, healthy(0.8));
  EXPECT_EQ(codes(alerts.eval(20, "mod", 256, {{"pass@1", 0.58}})), Codes{});  // within the noise
  EXPECT_EQ(codes(alerts.eval(20, "mod", 256, {{"pass@1", 0.40}})), Codes{"reward-hacking"});
}

TEST(Alerts, AResumedRunRaisesTheSameOnes) {
  const auto metrics_of = [](int64_t s) { return with(healthy(0), "kl", s > 7 ? 3 : 0); };
  Alerts whole, resumed;
  Codes after_20;
  for (int64_t s = 1; s <= 40; ++s) {
    const auto raised = codes(whole.step(s, metrics_of(s)));
    if (s > 20) after_20.insert(after_20.end(), raised.begin(), raised.end());
  }
  for (int64_t s = 1; s <= 20; ++s) resumed.step(s, metrics_of(s));
  Codes again;
  for (int64_t s = 21; s <= 40; ++s) {
    const auto raised = codes(resumed.step(s, metrics_of(s)));
    again.insert(again.end(), raised.begin(), raised.end());
  }
  EXPECT_EQ(after_20, Codes{"kl-runaway"});
  EXPECT_EQ(again, after_20);
}

TEST(Alerts, FailedJudgesAreToldAndStandBesideEveryFigure) {
  Alerts alerts;
  const auto said = alerts.step(1, with(with(healthy(0), "verdicts/failed_ratio", 0.48), "frac_reward_zero_std", 1));
  ASSERT_EQ(codes(said), (Codes{"no-reward-variance", "judge-failed"}));
  for (const auto& alert : said) EXPECT_NE(alert.text.find("failed 48.0%"), std::string::npos) << alert.text;
}

TEST(Alerts, AnEvaluationWithoutAFigureIsNoCollapse) {
  Alerts alerts;
  alerts.eval(0, "chain", 64, {{"pass@1", 0.9}, {"mean_length", 20}});
  EXPECT_TRUE(alerts.eval(1, "chain", 64, {{"mean_length", 2}, {"failed", 0.9}}).empty());
  EXPECT_FALSE(alerts.collapsed());
}

}  // namespace
}  // namespace posttrain::pipeline
