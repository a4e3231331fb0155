#include "base/rng.h"

#include <gtest/gtest.h>

namespace posttrain {
namespace {

TEST(Philox, MatchesTheKnownAnswersOfRandom123) {
  const auto zero = philox4x32({0, 0, 0, 0}, {0, 0});
  EXPECT_EQ(zero, (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const auto ones = philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u});
  EXPECT_EQ(ones, (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  const auto pi = philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  EXPECT_EQ(pi, (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, DrawDependsOnKeyAndIndexOnly) {
  Rng walking({1, 2, 3});
  const Rng fixed({1, 2, 3});
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(walking.next(), fixed.at(i));
}

TEST(Rng, KeysOfDifferentPartsOrOrderGiveDifferentStreams) {
  EXPECT_NE(Rng({1, 2}).at(0), Rng({2, 1}).at(0));
  EXPECT_NE(Rng({1, 2}).at(0), Rng({1, 2, 0}).at(0));
  EXPECT_NE(Rng({0}).at(0), Rng({0, 0}).at(0));
}

TEST(Rng, AKeyCanGrowByAPart) {
  EXPECT_EQ(Rng({1, 2}).then(3), Rng({1, 2, 3}));
  EXPECT_NE(Rng({1, 2}).then(3), Rng({1, 2}));
}

TEST(Rng, UniformHasTheMomentsOfAUniform) {
  Rng rng({7});
  double sum = 0, squares = 0;
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / n, 0.5, 0.003);
  EXPECT_NEAR(squares / n, 1.0 / 3, 0.003);
}

TEST(Rng, IntegerCoversBothEndsEvenly) {
  Rng rng({9});
  int counts[7] = {};
  for (int i = 0; i < 70000; ++i) ++counts[rng.integer(-3, 3) + 3];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace posttrain
