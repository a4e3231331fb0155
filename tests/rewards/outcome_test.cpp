// What the parts of a reward come to: who is masked, who only leaves itself out, whose verdict it is.
#include "rewards/outcome.h"

#include <gtest/gtest.h>

#include "rewards/part_names.h"
#include "rewards/registry.h"
#include "tests/rewards/samples.h"

namespace posttrain::rewards {
namespace {

PartScore judge(double value, Verdict verdict, double weight = 1) {
  return {.name = "math", .type = "math", .value = value, .weight = weight, .verdict = verdict, .judges = true};
}

PartScore shape(double value, Verdict verdict, double weight = 0.5) {
  return {.name = "format", .type = "format", .value = value, .weight = weight, .verdict = verdict};
}

Outcome settled(std::vector<PartScore> parts) {
  Outcome out{.parts = std::move(parts)};
  settle(out);
  return out;
}

TEST(Outcome, APartThatFailsMasksTheSample) {
  const Outcome out = settled({judge(1, Verdict::right), shape(0, Verdict::failed)});
  EXPECT_EQ(out.verdict, Verdict::failed);
  EXPECT_EQ(out.total, 0);
}

TEST(Outcome, APartWithoutWeightMasksNothing) {
  const Outcome out = settled({judge(1, Verdict::right), shape(0, Verdict::failed, 0)});
  EXPECT_EQ(out.verdict, Verdict::right);
  EXPECT_EQ(out.total, 1);
}

TEST(Outcome, APartWithoutAWordLeavesOnlyItselfOut) {
  const Outcome out = settled({judge(0, Verdict::absent), shape(1, Verdict::right)});
  EXPECT_EQ(out.total, 0.5);
  EXPECT_EQ(out.verdict, Verdict::absent) << "nobody judged whether it is right";
  EXPECT_EQ(settled({judge(1, Verdict::right), shape(1, Verdict::absent)}).total, 1);
}

TEST(Outcome, WithoutAnyWordItIsMasked) {
  EXPECT_EQ(settled({judge(0, Verdict::absent), shape(0, Verdict::absent)}).verdict, Verdict::failed);
}

TEST(Outcome, OfTwoJudgesTheOneThatSpokeDecides) {
  const Outcome out = settled({judge(0, Verdict::absent), judge(1, Verdict::right)});
  EXPECT_EQ(out.verdict, Verdict::right);
}

TEST(Outcome, AModelsRewardSaysNothingOfRightAndWrong) {
  const Outcome out = settled({{.name = "scorer", .value = 0.7, .weight = 2, .verdict = Verdict::right}});
  EXPECT_EQ(out.total, 1.4);
  EXPECT_EQ(out.verdict, Verdict::absent);
}

TEST(Outcome, TheReasonIsTheMaskingPartsOwn) {
  auto parts = std::vector{judge(0, Verdict::absent), shape(0, Verdict::failed)};
  parts[0].detail = "no word";
  parts[1].detail = "the child is gone";
  EXPECT_EQ(why_unjudged(settled(parts)), "format: the child is gone");
  EXPECT_FALSE(why_unjudged(settled({})).empty());
}

TEST(PartNames, AreUniqueWhateverIsGivenByHand) {
  std::vector<std::string> names = {"", "", "pattern_2", "exact", ""};
  const std::vector<std::string> types = {"pattern", "pattern", "format", "math", "exact"};
  std::vector<PartName> parts;
  for (size_t i = 0; i < names.size(); ++i) parts.push_back({&names[i], types[i]});
  fill_names(parts, {"pattern"});
  EXPECT_EQ(names, (std::vector<std::string>{"pattern_3", "pattern_4", "pattern_2", "exact", "exact_2"}));
}

TEST(RewardSet, ARowNamesTheRewardsThatApplyToIt) {
  const RewardSet set(
      {{"json_schema", 1, Json::object()}, {"exact", 1, Json::object()}});  // json_schema needs a schema
  const Json row = {{"rewards", {"exact"}}};
  Sample sample = sample_of("<answer>8</answer>", "8");
  EXPECT_EQ(set.judge(sample).verdict, Verdict::failed);
  sample.extra = &row;
  const Outcome out = set.judge(sample);
  EXPECT_EQ(out.verdict, Verdict::right);
  EXPECT_EQ(out.parts[0].verdict, Verdict::absent);
  const Json weighed = {{"reward_weights", {{"json_schema", 0}}}};
  sample.extra = &weighed;
  EXPECT_EQ(set.judge(sample).verdict, Verdict::right);
}

TEST(RewardSet, ARowMaySpeakOfRewardsThatTheRecipeLacksAndIsNoSilentZero) {
  const RewardSet set({{"exact", 1, Json::object()}}, {"scorer"});
  Sample sample = sample_of("<answer>8</answer>", "8");
  const Json unknown = {{"reward_weights", {{"exakt", 0}}}}, known = {{"reward_weights", {{"scorer", 2}}}};
  const Json open = {{"reward_weights", {{"exakt", nullptr}}}}, other = {{"rewards", {1, 2}}};
  const Json text = {{"reward_weights", {{"exact", "much"}}}}, none = {{"rewards", {"exakt"}}};
  sample.extra = &text;
  EXPECT_EQ(set.judge(sample).verdict, Verdict::failed);
  EXPECT_NE(why_unjudged(set.judge(sample)).find("expected a number"), std::string::npos);
  sample.extra = &none;
  EXPECT_EQ(set.judge(sample).verdict, Verdict::failed) << "no part applies to the row: it is masked";
  for (const Json* row : {&unknown, &known, &open, &other}) {
    sample.extra = row;
    EXPECT_EQ(set.judge(sample).verdict, Verdict::right) << *row;
  }
}

}  // namespace
}  // namespace posttrain::rewards
