#include "base/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace posttrain {
namespace {

std::vector<size_t> counted(size_t n) {
  std::vector<size_t> all(n);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

TEST(Shuffle, IsAPermutationThatTheKeyDecides) {
  const auto order = shuffled(100, Rng({1, 2}));
  EXPECT_EQ(order, shuffled(100, Rng({1, 2})));
  EXPECT_NE(order, shuffled(100, Rng({1, 3})));
  auto sorted = order;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, counted(100));
}

TEST(Shuffle, GivesEveryOrderOfThreeTheSameChance) {
  std::vector<int> seen(27);
  for (uint64_t key = 0; key < 60000; ++key) {
    const auto order = shuffled(3, Rng({key}));
    ++seen[order[0] * 9 + order[1] * 3 + order[2]];
  }
  std::erase(seen, 0);
  ASSERT_EQ(seen.size(), 6u);
  for (const int count : seen) EXPECT_NEAR(count, 10000, 500);
}

TEST(PassOrder, GoesThroughAllPlacesInEveryPassAndInAnotherOrderInTheNext) {
  PassOrder order;
  std::vector<size_t> first, second;
  for (uint64_t i = 0; i < 20; ++i) first.push_back(order.at(i, 20, Rng({5})));
  for (uint64_t i = 20; i < 40; ++i) second.push_back(order.at(i, 20, Rng({5})));
  EXPECT_EQ(first, shuffled(20, Rng({5, 0})));
  EXPECT_EQ(second, shuffled(20, Rng({5, 1})));
}

TEST(PassOrder, AnswersTheSameWhateverWasAskedBefore) {
  PassOrder walking;
  for (const uint64_t i : {3u, 25u, 4u, 7u, 39u, 3u}) {
    for (const uint64_t seed : {1u, 2u}) {
      PassOrder fresh;
      EXPECT_EQ(walking.at(i, 20, Rng({seed})), fresh.at(i, 20, Rng({seed})));
    }
  }
}

TEST(PassOrder, ServesThreadsThatAskForDifferentPasses) {
  PassOrder shared;
  std::vector<std::vector<size_t>> got(4);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < got.size(); ++t)
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < 200; ++i) got[t].push_back(shared.at(t * 50 + i, 50, Rng({9})));
      });
  }
  for (size_t t = 0; t < got.size(); ++t) {
    PassOrder alone;
    for (uint64_t i = 0; i < 200; ++i) ASSERT_EQ(got[t][i], alone.at(t * 50 + i, 50, Rng({9})));
  }
}

TEST(DrawnInPasses, TakesUpWhereAnotherDrawEnded) {
  const auto all = drawn_in_passes(7, 0, 30, 1, 2);
  auto parts = drawn_in_passes(7, 0, 11, 1, 2);
  for (const size_t place : drawn_in_passes(7, 11, 19, 1, 2)) parts.push_back(place);
  EXPECT_EQ(parts, all);
}

}  // namespace
}  // namespace posttrain
