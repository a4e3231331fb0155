// Preference losses against the papers' formulas in float64, and their slopes against central differences.
#include "sft/preference.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace posttrain::sft {
namespace {

double log_sigmoid(double x) {
  return std::log(1 / (1 + std::exp(-x)));
}

// Written from the papers, one loss after another.
double formula(const PreferenceSettings& s, const PreferencePair& p, const ReferencePoints& z) {
  const double chosen = p.chosen - p.ref_chosen, rejected = p.rejected - p.ref_rejected;
  const double gap = s.beta * (chosen - rejected);
  const double mean_chosen = p.chosen / p.chosen_tokens, mean_rejected = p.rejected / p.rejected_tokens;
  double loss = 0;
  if (s.kind == PreferenceKind::sigmoid)
    loss = -(1 - s.label_smoothing) * log_sigmoid(gap) - s.label_smoothing * log_sigmoid(-gap);
  if (s.kind == PreferenceKind::hinge) loss = std::max(0.0, 1 - gap);
  if (s.kind == PreferenceKind::ipo) {
    loss = std::pow(chosen / p.chosen_tokens - rejected / p.rejected_tokens - 1 / (2 * s.beta), 2);
  }
  if (s.kind == PreferenceKind::simpo) loss = -log_sigmoid(s.beta * (mean_chosen - mean_rejected) - s.target_margin);
  if (s.kind == PreferenceKind::kto) {
    loss = s.desirable_weight * (1 - 1 / (1 + std::exp(-s.beta * (chosen - z.rejected)))) +
           s.undesirable_weight * (1 - 1 / (1 + std::exp(-s.beta * (z.chosen - rejected))));
  }
  if (s.kind == PreferenceKind::orpo) {
    const auto odds = [](double mean) { return std::exp(mean) / (1 - std::exp(mean)); };
    loss = -mean_chosen - s.beta * log_sigmoid(std::log(odds(mean_chosen) / odds(mean_rejected)));
  }
  return loss - s.likelihood_weight * mean_chosen;
}

std::vector<PreferenceSettings> every_kind() {
  return {{.kind = PreferenceKind::sigmoid},
          {.kind = PreferenceKind::sigmoid, .beta = 0.5, .label_smoothing = 0.1},
          {.kind = PreferenceKind::hinge},
          {.kind = PreferenceKind::ipo, .beta = 0.3},
          {.kind = PreferenceKind::simpo, .beta = 2, .target_margin = 1},
          {.kind = PreferenceKind::kto, .beta = 0.2, .desirable_weight = 1.3, .undesirable_weight = 0.7},
          {.kind = PreferenceKind::orpo, .beta = 0.25},
          {.kind = PreferenceKind::sigmoid, .beta = 0.1, .likelihood_weight = 0.7}};
}

PreferencePair random_pair(uint64_t seed) {
  Rng rng({seed});
  PreferencePair p{.chosen = -8 - 4 * rng.uniform(), .rejected = -8 - 4 * rng.uniform()};
  p.ref_chosen = p.chosen + 2 * rng.normal();
  p.ref_rejected = p.rejected + 2 * rng.normal();
  p.chosen_tokens = static_cast<double>(rng.integer(3, 12));
  p.rejected_tokens = static_cast<double>(rng.integer(3, 12));
  return p;
}

TEST(Preference, EveryKindFollowsItsPaperAndItsOwnSlope) {
  constexpr double h = 1e-6;
  const ReferencePoints points{.chosen = 0.6, .rejected = 0.2};
  for (const auto& settings : every_kind()) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const PreferencePair pair = random_pair(seed);
      const auto got = preference_loss(settings, pair, points);
      EXPECT_NEAR(got.value, formula(settings, pair, points), 1e-12) << to_string(settings.kind);
      auto up = pair, down = pair;
      up.chosen += h;
      down.chosen -= h;
      EXPECT_NEAR(got.dchosen, (formula(settings, up, points) - formula(settings, down, points)) / (2 * h), 1e-7)
          << to_string(settings.kind);
      up = down = pair;
      up.rejected += h;
      down.rejected -= h;
      EXPECT_NEAR(got.drejected, (formula(settings, up, points) - formula(settings, down, points)) / (2 * h), 1e-7)
          << to_string(settings.kind);
    }
  }
}

TEST(Preference, AtTheReferenceDpoIsLogTwoAndPushesBothSidesAlike) {
  const PreferencePair pair{.chosen = -5, .rejected = -7, .ref_chosen = -5, .ref_rejected = -7};
  const auto got = preference_loss({.kind = PreferenceKind::sigmoid, .beta = 0.2}, pair);
  EXPECT_NEAR(got.value, std::log(2.0), 1e-12);
  EXPECT_NEAR(got.dchosen, -0.1, 1e-12);
  EXPECT_NEAR(got.drejected, 0.1, 1e-12);
}

TEST(Preference, ExtremeLogRatiosStayFinite) {
  for (const auto& settings : every_kind()) {
    for (const double far : {-1e4, 1e4}) {
      const PreferencePair pair{.chosen = -1e4, .rejected = -2, .ref_chosen = -1e4 - far, .ref_rejected = -2 + far};
      const auto got = preference_loss(settings, pair);
      EXPECT_TRUE(std::isfinite(got.value) && std::isfinite(got.dchosen) && std::isfinite(got.drejected))
          << to_string(settings.kind);
    }
  }
}

TEST(Preference, OrpoOfACertainAnswerStaysFinite) {
  const auto got = preference_loss({.kind = PreferenceKind::orpo}, {.chosen = 0, .rejected = 0});
  EXPECT_TRUE(std::isfinite(got.value) && std::isfinite(got.dchosen) && std::isfinite(got.drejected));
}

}  // namespace
}  // namespace posttrain::sft
