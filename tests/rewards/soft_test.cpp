// The shaping rewards against values worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "rewards/language.h"
#include "rewards/length.h"
#include "rewards/registry.h"
#include "rewards/repetition.h"
#include "rewards/tag_count.h"
#include "tests/rewards/samples.h"

namespace posttrain::rewards {
namespace {

Sample of_length(int64_t tokens, const Verdict* correctness = nullptr) {
  Sample sample;
  sample.completion_tokens = tokens;
  sample.max_completion_tokens = 100;
  sample.correctness = correctness;
  return sample;
}

constexpr Verdict right = Verdict::right, wrong = Verdict::wrong;

TEST(TagCount, AQuarterForEachTagThatStandsOnce) {
  const TagCountReward reward({});
  EXPECT_EQ(reward.score(sample_of("<think>a</think><answer>b</answer>")).value, 1);
  EXPECT_EQ(reward.score(sample_of("<think>a</think>b")).value, 0.5);
  EXPECT_EQ(reward.score(sample_of("<think><think>a</think><answer>b</answer>")).value, 0.75);
  EXPECT_EQ(reward.score(sample_of("b")).value, 0);
}

double share(const char* language, const char* text) {
  LanguageReward::Settings settings;
  settings.language = language;
  return LanguageReward(settings).score(sample_of(text)).value;
}

TEST(Language, ShareOfTargetWords) {
  EXPECT_EQ(share("en", "We add two and three"), 1);
  EXPECT_EQ(share("en", "We add 两 and"), 0.75);
  EXPECT_EQ(share("zh", "我们 add 二"), 0.75) << "each Chinese character is a word";
  EXPECT_EQ(share("en", "so $\\frac{1}{2}$ + 3 = <think>ok</think>"), 1) << "figures, commands and tags are no words";
  EXPECT_EQ(share("en", "naïve idea"), 0.5);
  EXPECT_EQ(share("ru", "ответ is"), 0.5);
  EXPECT_EQ(share("en", "12 + 3"), 0) << "no words earn nothing";
}

TEST(Overlong, FallsFromZeroToMinusOneWithinTheCache) {
  OverlongReward::Settings settings;
  settings.cache_tokens = 20;
  const OverlongReward reward(settings);
  EXPECT_EQ(reward.score(of_length(80)).value, 0);
  EXPECT_EQ(reward.score(of_length(90)).value, -0.5);
  EXPECT_EQ(reward.score(of_length(100)).value, -1);
  EXPECT_EQ(reward.score(of_length(101)).value, -1);
}

TEST(Cosine, ShortIsBestWhenRightAndWorstWhenWrong) {
  const CosineReward reward({});
  EXPECT_DOUBLE_EQ(reward.score(of_length(0, &right)).value, 1);
  EXPECT_DOUBLE_EQ(reward.score(of_length(50, &right)).value, 0.75);
  EXPECT_DOUBLE_EQ(reward.score(of_length(100, &right)).value, 0.5);
  EXPECT_DOUBLE_EQ(reward.score(of_length(200, &right)).value, 0.5) << "no turning round beyond the longest";
  EXPECT_DOUBLE_EQ(reward.score(of_length(0, &wrong)).value, -1);
  EXPECT_DOUBLE_EQ(reward.score(of_length(100, &wrong)).value, -0.5);
  EXPECT_NEAR(reward.score(of_length(25, &right)).value, 0.75 + 0.25 * std::sqrt(0.5), 1e-12);
}

TEST(KimiLength, LinearInTheGroupAndNeverPositiveWhenWrong) {
  const KimiLengthReward reward({});
  const auto value = [&](int64_t tokens, const Verdict* v, int64_t low, int64_t high) {
    Sample sample = of_length(tokens, v);
    sample.group_min_tokens = low;
    sample.group_max_tokens = high;
    return reward.score(sample).value;
  };
  EXPECT_EQ(value(10, &right, 10, 30), 0.5);
  EXPECT_EQ(value(20, &right, 10, 30), 0);
  EXPECT_EQ(value(30, &right, 10, 30), -0.5);
  EXPECT_EQ(value(10, &wrong, 10, 30), 0);
  EXPECT_EQ(value(30, &wrong, 10, 30), -0.5);
  EXPECT_EQ(value(30, &right, 30, 30), 0) << "all equally long";
}

TEST(KimiLength, WithoutAJudgeOrAGroupTheSampleIsMasked) {
  const RewardSet set({{"kimi_length", 1, Json::object()}});
  EXPECT_EQ(set.judge(of_length(5)).verdict, Verdict::failed);
}

TEST(Cosine, TakesCorrectnessFromTheJudgeBesideIt) {
  const RewardSet set({{"cosine", 1, Json{{"max_tokens", 100}}}, {"exact", 0, Json::object()}});
  Sample sample = sample_of("<answer>8</answer>", "8");
  EXPECT_DOUBLE_EQ(set.judge(sample).total, 1);
  sample.answer = "9";
  EXPECT_DOUBLE_EQ(set.judge(sample).total, -1);
}

TEST(Repetition, ShareOfRepeatedNGrams) {
  RepetitionReward::Settings settings;
  settings.ngram = 2;
  const RepetitionReward reward(settings);
  EXPECT_EQ(reward.score(sample_of("a b c d")).value, 0);
  EXPECT_EQ(reward.score(sample_of("a b  A b a")).value, -0.5) << "ab ba ab ba: 2 of 4 are distinct";
  EXPECT_EQ(reward.score(sample_of("a")).value, 0);
  EXPECT_EQ(reward.score(sample_of("")).value, 0);
}

TEST(Repetition, TextWithoutBlanksCountsByCharacter) {
  RepetitionReward::Settings settings;
  settings.ngram = 3;
  const RepetitionReward reward(settings);
  std::string chinese, laughter, spaced;
  for (int i = 0; i < 50; ++i) {
    chinese += "我们再想一想这个问题。";
    laughter += "haha";
    spaced += "so\u00a0we\u3000see ";
  }
  for (const std::string& text : {chinese, laughter, spaced})
    EXPECT_LT(reward.score(sample_of(text)).value, -0.9) << text;
  EXPECT_EQ(reward.score(sample_of("深度学习模型")).value, 0);
}

}  // namespace
}  // namespace posttrain::rewards
