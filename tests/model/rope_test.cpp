#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::model {
namespace {

// Frequencies read off the tables at position 1.
std::vector<double> frequencies(const Arch& arch) {
  const auto backend = nn::make_cpu_backend();
  RopeTables tables(arch);
  tables.cover(*backend, 2);
  std::vector<double> result;
  for (int i = 0; i < tables.pairs(); ++i) {
    result.push_back(std::atan2(tables.sin()[tables.pairs() + i], tables.cos()[tables.pairs() + i]));
  }
  return result;
}

Arch arch_with(RopeScaling scaling) {
  Arch a = llama_arch(64, 64, 1, 4, 4, 64, true);
  a.rope_theta = 10000;
  a.rope = scaling;
  return a;
}

TEST(Rope, StandardFrequenciesFallGeometrically) {
  const auto f = frequencies(arch_with({}));
  ASSERT_EQ(f.size(), 8u);
  for (size_t i = 0; i < f.size(); ++i) EXPECT_NEAR(f[i], std::pow(10000, -2.0 * static_cast<double>(i) / 16), 1e-6);
}

TEST(Rope, LinearScalingSlowsEveryFrequencyAlike) {
  RopeScaling scaling;
  scaling.kind = RopeKind::linear;
  scaling.factor = 4;
  const auto f = frequencies(arch_with({})), g = frequencies(arch_with(scaling));
  for (size_t i = 0; i < f.size(); ++i) EXPECT_NEAR(g[i], f[i] / 4, 1e-7);
}

TEST(Rope, Llama3KeepsShortWavesAndSlowsLongOnes) {
  RopeScaling scaling;
  scaling.kind = RopeKind::llama3;
  scaling.factor = 8;
  scaling.original_max_positions = 64;
  const auto f = frequencies(arch_with({})), g = frequencies(arch_with(scaling));
  EXPECT_NEAR(g.front(), f.front(), 1e-7);
  EXPECT_NEAR(g.back(), f.back() / 8, 1e-9);
}

TEST(Rope, YarnKeepsFastDimensionsSlowsSlowOnesAndStretchesBoth) {
  RopeScaling scaling;
  scaling.kind = RopeKind::yarn;
  scaling.factor = 4;
  scaling.original_max_positions = 64;
  const Arch arch = arch_with(scaling);
  const auto f = frequencies(arch_with({})), g = frequencies(arch);
  EXPECT_NEAR(g.front(), f.front(), 1e-7);
  EXPECT_NEAR(g.back(), f.back() / 4, 1e-9);
  const auto backend = nn::make_cpu_backend();
  RopeTables tables(arch);
  tables.cover(*backend, 1);
  EXPECT_NEAR(tables.cos()[0], 0.1 * std::log(4.0) + 1, 1e-6);
}

TEST(Rope, GrowingTheTablesChangesNoEntry) {
  const auto backend = nn::make_cpu_backend();
  const Arch arch = arch_with({});
  RopeTables small(arch), large(arch);
  small.cover(*backend, 10);
  large.cover(*backend, 3000);
  for (int i = 0; i < 10 * small.pairs(); ++i) {
    EXPECT_EQ(small.cos()[i], large.cos()[i]);
    EXPECT_EQ(small.sin()[i], large.sin()[i]);
  }
}

}  // namespace
}  // namespace posttrain::model
