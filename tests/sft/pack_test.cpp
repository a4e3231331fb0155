#include "sft/pack.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "sft/preference.h"

namespace posttrain::sft {
namespace {

std::vector<Example> random_examples() {
  Rng rng({4});
  std::vector<Example> out;
  for (int i = 0; i < 50; ++i) {
    Example e;
    for (int64_t n = rng.integer(1, 40); n > 0; --n) {
      e.ids.push_back(static_cast<int32_t>(rng.integer(0, 99)));
      e.weight.push_back(rng.chance(0.5) ? 1.0f : 0.0f);
    }
    out.push_back(e);
  }
  return out;
}

TEST(Pack, EveryExampleStandsWholeInOneRowWithinItsLength) {
  const auto examples = random_examples();
  const auto rows = pack_rows(examples, 64);
  size_t next = 0;
  for (const Row& row : rows) {
    size_t used = 0;
    for (const size_t i : row) {
      EXPECT_EQ(i, next++);
      used += examples[i].ids.size();
    }
    EXPECT_LE(used, 64u);
  }
  EXPECT_EQ(next, examples.size());
}

TEST(Pack, TargetsAreTheWeightedTokensAndSeeTheirOwnExampleOnly) {
  const auto examples = random_examples();
  const auto rows = pack_rows(examples, 64);
  std::vector<float> weights;
  const auto batch = batch_rows(examples, rows, 64, weights);
  std::vector<int32_t> expected;
  for (const Example& e : examples) {
    for (size_t t = 1; t < e.ids.size(); ++t) {
      if (e.weight[t] != 0) expected.push_back(e.ids[t]);
    }
  }
  EXPECT_EQ(batch.target_ids, expected);
  EXPECT_EQ(weights.size(), expected.size());
  int64_t covered = 0;
  for (const auto& segment : batch.segments) {
    EXPECT_EQ(segment.begin, covered);
    EXPECT_EQ(segment.prefix_length, 0);
    for (int32_t t = 0; t < segment.length; ++t) EXPECT_EQ(batch.positions[segment.begin + t], t);
    covered += segment.length;
  }
  EXPECT_EQ(covered, batch.rows());
}

TEST(Pack, ALongerExampleIsCutAtItsRow) {
  Example e;
  e.ids.assign(100, 7);
  e.weight.assign(100, 1);
  std::vector<float> weights;
  const std::vector<Example> examples = {e};
  const auto batch = batch_rows(examples, pack_rows(examples, 16), 16, weights);
  EXPECT_EQ(batch.rows(), 15);
  EXPECT_EQ(weights.size(), 15u);
}

TEST(Preference, SlopesAreThoseOfTheLoss) {
  for (const auto kind : {PreferenceKind::sigmoid, PreferenceKind::hinge, PreferenceKind::ipo}) {
    for (const double smoothing : {0.0, 0.1}) {
      const PreferenceSettings s{.kind = kind, .beta = 0.3, .label_smoothing = smoothing};
      const PreferencePair pair{-12.3, -9.1, -11.7, -10.2, 6, 4};
      auto up = pair, down = pair;
      up.chosen += 1e-6;
      down.chosen -= 1e-6;
      const auto loss = preference_loss(s, pair);
      EXPECT_NEAR(loss.dchosen, (preference_loss(s, up).value - preference_loss(s, down).value) / 2e-6, 1e-6)
          << to_string(kind);
      up = down = pair;
      up.rejected += 1e-6;
      down.rejected -= 1e-6;
      EXPECT_NEAR(loss.drejected, (preference_loss(s, up).value - preference_loss(s, down).value) / 2e-6, 1e-6)
          << to_string(kind);
    }
  }
}

TEST(Preference, EqualAnswersCostLogTwo) {
  EXPECT_NEAR(preference_loss({}, {-5, -5, -5, -5}).value, std::log(2.0), 1e-12);
}

}  // namespace
}  // namespace posttrain::sft
