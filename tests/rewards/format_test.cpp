// The two rewards of R1-Zero in miniature.
#include "rewards/format.h"

#include <gtest/gtest.h>

#include "rewards/exact.h"
#include "tests/rewards/samples.h"

namespace posttrain::rewards {
namespace {

double format(std::string_view completion, bool truncated = false) {
  Sample sample = sample_of(completion);
  sample.truncated = truncated;
  return FormatReward({}).score(sample).value;
}

double exact(std::string_view completion, std::string_view gold) {
  return ExactReward({}).score(sample_of(completion, gold)).value;
}

TEST(Format, WholeResponseIsThinkThenAnswer) {
  EXPECT_EQ(format("<think>7+5=2;2*3=6</think><answer>8</answer>"), 1);
  EXPECT_EQ(format("<think></think><answer>8</answer>"), 1) << "an empty think block passes";
}

TEST(Format, TruncatedResponseHasNoEnd) {
  EXPECT_EQ(format("<think>a</think><answer>8</answer>", true), 0);
}

TEST(Format, AnythingElseGetsNothing) {
  for (const char* text : {
           "",
           "8",
           "<answer>8</answer>",
           "<think>a</think>",
           "<think>a</think><answer></answer>",
           "<think>a</think><answer> </answer>",
           "<think>a</think><answer>8</answer>x",
           "x<think>a</think><answer>8</answer>",
           "<think>a</think>x<answer>8</answer>",
           "<think>a</think> <answer>8</answer>",
           "<think>a<think>b</think><answer>8</answer>",
           "<think>a</think><answer>8</answer><answer>9</answer>",
           "<think><answer>8</answer></think>",
           "<answer>8</answer><think>a</think>",
           "<think>a<answer>8</think></answer>",
           "<think>a</think><answer>8",
           "<think>a<answer>8</answer>",
       }) {
    EXPECT_EQ(format(text), 0) << text;
  }
}

TEST(Format, TagsAndSpaceAreSettings) {
  FormatReward::Settings settings;
  settings.think = "reasoning";
  settings.answer = "final";
  settings.allow_empty_think = false;
  settings.allow_space = true;
  const FormatReward reward(settings);
  EXPECT_EQ(reward.score(sample_of("<reasoning>\na\n</reasoning>\n<final>8</final>\n")).value, 1);
  EXPECT_EQ(reward.score(sample_of("<reasoning>\n</reasoning>\n<final>8</final>\n")).value, 0);
}

TEST(Format, AnAnswerWithoutInkIsEmpty) {
  const FormatReward reward({});
  for (const char* nothing : {" ", "\u200b", "\ufeff\u200d", "\u3000", "\u2060\n"}) {
    EXPECT_EQ(reward.score(sample_of(std::string("<think>r</think><answer>") + nothing + "</answer>")).value, 0);
  }
  EXPECT_EQ(reward.score(sample_of("<think>r</think><answer>é</answer>")).value, 1);
}

TEST(Exact, TheLastAnswerTagBehindTheThoughtAgainstGoldAfterTrimming) {
  EXPECT_EQ(exact("<think>1</think><answer> 8 </answer>", "8"), 1);
  EXPECT_EQ(exact("<answer>8</answer> no, <answer>9</answer>", "9"), 1) << "the last counts";
  EXPECT_EQ(exact("<answer>8</answer> no, <answer>9</answer>", "8"), 0);
  EXPECT_EQ(exact("<think><answer>8</answer>", "8"), 0) << "an unfinished thought holds no answer";
  EXPECT_EQ(exact("<think><answer>5</answer></think><answer>6</answer>", "5"), 0);
  EXPECT_EQ(exact("<think><answer>5</answer></think><answer>6</answer>", "6"), 1);
  EXPECT_EQ(exact("<answer>8.0</answer>", "8"), 0);
  EXPECT_EQ(exact("<answer>8", "8"), 0);
  EXPECT_EQ(exact("8", "8"), 0);
  EXPECT_EQ(exact("<answer></answer>", ""), 0) << "an empty gold answer is never matched";
}

TEST(Exact, CaseIsFoldedInEveryScript) {
  ExactReward::Settings settings;
  settings.ignore_case = true;
  EXPECT_EQ(ExactReward(settings).score(sample_of("<answer>ÉCOLE Ж</answer>", "école ж")).value, 1);
  EXPECT_EQ(ExactReward({}).score(sample_of("<answer>École</answer>", "école")).value, 0);
}

TEST(Exact, ThinkSaysWhereAnAnswerMayStand) {
  const auto with = [](const std::string& think, std::string_view completion) {
    ExactReward::Settings settings;
    settings.think.think = from_name<mathcheck::Think>(think).value();
    return ExactReward(settings).score(sample_of(completion, "8")).value;
  };
  EXPECT_EQ(with("required", "<answer>8</answer>"), 0) << "the template opened the thought, and it never ended";
  EXPECT_EQ(with("required", "so</think><answer>8</answer>"), 1);
  EXPECT_EQ(with("off", "<think><answer>8</answer>"), 1);
  EXPECT_EQ(with("auto", "<answer>8</answer>"), 1);
}

}  // namespace
}  // namespace posttrain::rewards
