#include "rl/objective.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "tests/rl/reference_loss.h"

namespace posttrain::rl {
namespace {

using reference::Answer;

// Answers of different lengths with holes in the mask; ratios on both sides of every clip edge, none within 1e-3 of
// one.
std::vector<Answer> random_answers(uint64_t seed, double spread) {
  Rng rng({seed});
  std::vector<Answer> answers;
  for (int i = 0; i < 8; ++i) {
    Answer a{.group = i / 4, .advantage = rng.normal()};
    const int64_t length = rng.integer(2, 9);
    for (int64_t t = 0; t < length; ++t) {
      a.logp.push_back(-0.2 - 2 * rng.uniform());
      double gap = 0;
      do gap = spread * rng.normal();
      while (std::fabs(std::exp(gap) - 0.8) < 1e-3 || std::fabs(std::exp(gap) - 1.2) < 1e-3 ||
             std::fabs(std::exp(gap) - 1.28) < 1e-3);
      a.old_logp.push_back(a.logp.back() - gap);
      a.ref_logp.push_back(a.logp.back() + 0.5 * rng.normal());
      a.mask.push_back(t == 1 && i % 3 == 0 ? 0 : 1);
    }
    answers.push_back(a);
  }
  return answers;
}

ObjectiveBatch batch_of(const std::vector<Answer>& answers) {
  ObjectiveBatch batch;
  batch.begin.push_back(0);
  batch.max_completion_tokens = 16;
  for (const Answer& a : answers) {
    batch.begin.push_back(batch.begin.back() + std::ssize(a.logp));
    batch.group.push_back(a.group);
    for (size_t t = 0; t < a.logp.size(); ++t) {
      batch.advantage.push_back(a.advantage);
      batch.old_logp.push_back(a.old_logp[t]);
      batch.ref_logp.push_back(a.ref_logp[t]);
      batch.mask.push_back(static_cast<uint8_t>(a.mask[t]));
    }
  }
  return batch;
}

std::vector<double> logps_of(const std::vector<Answer>& answers) {
  std::vector<double> logp;
  for (const Answer& a : answers) logp.insert(logp.end(), a.logp.begin(), a.logp.end());
  return logp;
}

constexpr double no_threshold = -INFINITY;

class EveryPreset : public testing::TestWithParam<std::string> {};

TEST_P(EveryPreset, LossAndCoefficientsEqualThePapersFormulaInFloat64) {
  for (const double spread : {0.02, 0.3}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const auto answers = random_answers(seed, spread);
      const auto batch = batch_of(answers);
      const Objective objective(objective_preset(GetParam()), batch);
      const auto result = objective.evaluate(0, batch.samples(), logps_of(answers), {}, no_threshold);
      EXPECT_NEAR(result.loss, reference::loss(GetParam(), answers, answers, 16), 1e-12);
      size_t at = 0;
      for (size_t i = 0; i < answers.size(); ++i) {
        for (size_t t = 0; t < answers[i].logp.size(); ++t, ++at) {
          constexpr double h = 1e-6;
          auto up = answers, down = answers;
          up[i].logp[t] += h;
          down[i].logp[t] -= h;
          const double slope =
              (reference::loss(GetParam(), up, answers, 16) - reference::loss(GetParam(), down, answers, 16)) / (2 * h);
          EXPECT_NEAR(result.dlogp[at], slope, 1e-7 * (1 + std::fabs(slope))) << GetParam() << " token " << at;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, EveryPreset, testing::ValuesIn(objective_presets()), [](const auto& preset) {
  std::string name = preset.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

ObjectiveBatch one_token(double advantage, double ratio) {
  ObjectiveBatch batch;
  batch.begin = {0, 1};
  batch.group = {0};
  batch.advantage = {advantage};
  batch.old_logp = {-1 - std::log(ratio)};
  batch.mask = {1};
  batch.max_completion_tokens = 1;
  return batch;
}

double coefficient(const ObjectiveSettings& settings, double advantage, double ratio) {
  const auto batch = one_token(advantage, ratio);
  const double logp = -1;
  return Objective(settings, batch).evaluate(0, 1, std::span(&logp, 1), {}, no_threshold).dlogp[0];
}

ObjectiveSettings plain() {
  auto s = objective_preset("dapo");
  s.clip_low = 0.2;
  s.clip_high = 0.28;
  return s;
}

TEST(Clip, HighKeepsTheGradientAtZeroAbove1PlusEpsWhenTheAdvantageIsPositive) {
  EXPECT_EQ(coefficient(plain(), 1, 1.29), 0);
  EXPECT_NEAR(coefficient(plain(), 1, 1.27), -1.27, 1e-12);
  EXPECT_NEAR(coefficient(plain(), -1, 1.29), 1.29, 1e-12) << "a worse answer that grew likelier is still pushed down";
}

TEST(Clip, LowKeepsTheGradientAtZeroBelow1MinusEpsWhenTheAdvantageIsNegative) {
  EXPECT_EQ(coefficient(plain(), -1, 0.79), 0);
  EXPECT_NEAR(coefficient(plain(), -1, 0.81), 0.81, 1e-12);
  EXPECT_NEAR(coefficient(plain(), 1, 0.79), -0.79, 1e-12);
}

TEST(Clip, DualClipBoundsTheLossOfAWorseAnswerThatGrewMuchLikelier) {
  auto s = plain();
  s.dual_clip = 3;
  EXPECT_EQ(coefficient(s, -1, 3.5), 0);
  EXPECT_NEAR(coefficient(s, -1, 2.5), 2.5, 1e-12);
}

TEST(Clip, RatioCapStopsTheUnclippedRatio) {
  auto s = plain();
  s.ratio_cap = 1.5;
  EXPECT_EQ(coefficient(s, -1, 1.6), 0);
  EXPECT_NEAR(coefficient(s, -1, 1.4), 1.4, 1e-12);
}

TEST(Clip, CispoKeepsEveryTokensGradientButBoundsItsWeight) {
  auto s = objective_preset("cispo");
  EXPECT_NEAR(coefficient(s, 1, 9), -5, 1e-12);
  EXPECT_NEAR(coefficient(s, -1, 9), 5, 1e-12);
  EXPECT_NEAR(coefficient(s, 1, 0.1), -0.1, 1e-12);
}

TEST(Objective, OnPolicyTheRatioIsExactlyOneAndTheCoefficientIsMinusTheAdvantage) {
  auto batch = one_token(0.7, 1);
  batch.old_logp.clear();
  const double logp = -1.2345;
  const auto result = Objective(plain(), batch).evaluate(0, 1, std::span(&logp, 1), {}, no_threshold);
  EXPECT_EQ(result.ratio[0], 1.0);
  EXPECT_EQ(result.dlogp[0], -0.7);
}

TEST(Objective, EvaluatingABatchInPiecesAddsUpToTheWhole) {
  const auto answers = random_answers(3, 0.3);
  const auto batch = batch_of(answers);
  const auto logp = logps_of(answers);
  for (const auto& preset : objective_presets()) {
    const Objective objective(objective_preset(preset), batch);
    const auto whole = objective.evaluate(0, batch.samples(), logp, {}, no_threshold);
    double loss = 0;
    std::vector<double> dlogp;
    for (int64_t i = 0; i < batch.samples(); ++i) {
      const auto piece = std::span(logp).subspan(batch.begin[i], batch.begin[i + 1] - batch.begin[i]);
      const auto part = objective.evaluate(i, i + 1, piece, {}, no_threshold);
      loss += part.loss;
      dlogp.insert(dlogp.end(), part.dlogp.begin(), part.dlogp.end());
    }
    EXPECT_NEAR(loss, whole.loss, 1e-14) << preset;
    EXPECT_EQ(dlogp, whole.dlogp) << preset;
  }
}

TEST(Objective, EntropyBonusGivesItsOwnCoefficient) {
  auto s = plain();
  s.entropy_coef = 0.01;
  const auto batch = one_token(0, 1);
  const double logp = -1, entropy = 2;
  const auto result = Objective(s, batch).evaluate(0, 1, std::span(&logp, 1), std::span(&entropy, 1), no_threshold);
  EXPECT_DOUBLE_EQ(result.dentropy[0], -0.01);
  EXPECT_DOUBLE_EQ(result.loss, -0.02);
}

TEST(Objective, TopEntropyFractionDropsThePolicyTermOfTheCertainTokens) {
  auto answers = random_answers(4, 0.01);
  const auto batch = batch_of(answers);
  auto s = plain();
  s.top_entropy_fraction = 0.25;
  const Objective objective(s, batch);
  std::vector<double> entropy;
  Rng rng({8});
  for (int64_t t = 0; t < batch.tokens(); ++t) entropy.push_back(rng.uniform());
  const double threshold = objective.entropy_threshold(entropy);
  const auto result = objective.evaluate(0, batch.samples(), logps_of(answers), entropy, threshold);
  int kept = 0, counted = 0;
  for (int64_t t = 0; t < batch.tokens(); ++t) {
    if (!batch.mask[t]) continue;
    ++counted;
    kept += result.dlogp[t] != 0;
    EXPECT_EQ(result.dlogp[t] != 0, entropy[t] >= threshold);
  }
  EXPECT_NEAR(kept, counted * 0.25, 1.5);
}

TEST(Objective, ATokenAtTheEntropyThresholdIsLearntFrom) {
  const auto batch = one_token(1, 1);
  const double logp = -1, entropy = 0.5;
  const auto slope = [&](double threshold) {
    return Objective(plain(), batch).evaluate(0, 1, std::span(&logp, 1), std::span(&entropy, 1), threshold).dlogp[0];
  };
  EXPECT_NEAR(slope(0.5), -1, 1e-12);
  EXPECT_EQ(slope(0.500001), 0);
}

TEST(Objective, SamplerCorrectionTruncatesOrMasks) {
  auto batch = one_token(1, 1);
  batch.sampler_logp = {batch.old_logp[0] - std::log(4.0)};  // the trainer finds the token 4 times likelier
  const double logp = batch.old_logp[0];
  const auto value = [&](const std::string& kind) {
    auto s = plain();
    s.importance = from_name<Importance>(kind).value();
    s.importance_max = 2;
    return Objective(s, batch).evaluate(0, 1, std::span(&logp, 1), {}, no_threshold).dlogp[0];
  };
  EXPECT_NEAR(value("none"), -1, 1e-12);
  EXPECT_NEAR(value("token_truncate"), -2, 1e-12);
  EXPECT_EQ(value("token_mask"), 0);
  EXPECT_NEAR(value("sequence_truncate"), -2, 1e-12);
}

TEST(Presets, UnknownNameIsAnError) {
  EXPECT_THROW(objective_preset("grop"), std::exception);
}

}  // namespace
}  // namespace posttrain::rl
