// Weighted composition of rewards.
#include "rewards/registry.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "tests/rewards/samples.h"

namespace posttrain::rewards {
namespace {

TEST(Registry, NamesAreUniqueAndDocumented) {
  std::set<std::string> names;
  for (const RewardEntry& entry : reward_table()) {
    EXPECT_TRUE(names.insert(entry.settings.name).second) << entry.settings.name;
    EXPECT_GT(std::string(entry.settings.doc).size(), 10u) << entry.settings.name;
    EXPECT_EQ(find_reward(entry.settings.name), &entry);
  }
  EXPECT_EQ(find_reward("no such reward"), nullptr);
}

TEST(RewardSet, SumsWeightedPartsAndTakesTheVerdictOfTheJudge) {
  const RewardSet set({{"format", 0.5, Json::object()}, {"exact", 1, Json::object()}});
  const Outcome good = set.judge(sample_of("<think></think><answer>8</answer>", "8"));
  EXPECT_DOUBLE_EQ(good.total, 1.5);
  EXPECT_EQ(good.verdict, Verdict::right);
  const Outcome bad = set.judge(sample_of("<think></think><answer>9</answer>", "8"));
  EXPECT_DOUBLE_EQ(bad.total, 0.5);
  EXPECT_EQ(bad.verdict, Verdict::wrong) << "good form does not make a wrong answer right";
  ASSERT_EQ(bad.parts.size(), 2u);
  EXPECT_EQ(bad.parts[0].name, "format");
  EXPECT_EQ(bad.parts[0].verdict, Verdict::right);
  EXPECT_EQ(bad.parts[1].detail, "9");
}

TEST(RewardSet, WithoutAJudgeTheFirstPartSpeaks) {
  const RewardSet set({{"format", 1, Json::object()}});
  EXPECT_EQ(set.judge(sample_of("<think></think><answer>8</answer>")).verdict, Verdict::right);
  EXPECT_EQ(set.judge(sample_of("8")).verdict, Verdict::wrong);
}

TEST(RewardSet, AnAnswerThatCouldNotBeReadIsToldFromAWrongOne) {
  const RewardSet set({{"format", 0.5, Json::object()}, {"exact", 1, Json::object()}});
  EXPECT_TRUE(set.judge(sample_of("the answer is 8", "8")).unparsed);
  EXPECT_FALSE(set.judge(sample_of("<think></think><answer>9</answer>", "8")).unparsed);
  const RewardSet shaping({{"format", 1, Json::object()}});
  EXPECT_FALSE(shaping.judge(sample_of("8")).unparsed) << "nobody looked for an answer";
}

TEST(RewardSet, ADataRowMayWeighRewardsForItsOwnPrompt) {
  const RewardSet set({{"format", 0.5, Json::object()}, {"exact", 1, Json::object()}});
  const Json row = {{"reward_weights", {{"format", 0}, {"exact", 3}}}};
  Sample sample = sample_of("<think></think><answer>8</answer>", "8");
  sample.extra = &row;
  EXPECT_DOUBLE_EQ(set.judge(sample).total, 3);
  EXPECT_DOUBLE_EQ(set.judge(sample).parts[0].weight, 0);
}

TEST(RewardSet, BadSpecsAreRefusedByName) {
  EXPECT_THROW(RewardSpec("exakt", 1, Json::object()), Error);
  EXPECT_THROW(RewardSpec("exact", 1, Json{{"tagg", "x"}}), std::exception);
}

}  // namespace
}  // namespace posttrain::rewards
