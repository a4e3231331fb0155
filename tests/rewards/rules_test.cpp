// Multiple choice, JSON by schema, and rewards in other programs.
#include <gtest/gtest.h>

#include <thread>

#include "rewards/choice.h"
#include "rewards/json_schema.h"
#include "rewards/pattern.h"
#include "rewards/plugin.h"
#include "tests/rewards/samples.h"

namespace posttrain::rewards {
namespace {

double chosen(std::string_view completion, std::string_view gold) {
  return ChoiceReward({}).score(sample_of(completion, gold)).value;
}

TEST(Choice, TheLetterThatIsNamed) {
  EXPECT_EQ(chosen("The answer is (B).", "B"), 1);
  EXPECT_EQ(chosen("Answer: C) 42", "C"), 1);
  EXPECT_EQ(chosen("\\boxed{\\textbf{(D)}}", "(D)"), 1);
  EXPECT_EQ(chosen("b", "B"), 1);
  EXPECT_EQ(chosen("The answer is (A).", "B"), 0);
  EXPECT_EQ(chosen("A or B", "B"), 0);
  EXPECT_EQ(chosen("<think>Answer: B", "B"), 0) << "an unfinished thought";
  EXPECT_EQ(chosen("<think>Answer: C</think>Answer: B", "B"), 1);
  EXPECT_EQ(chosen("故选：B", "B"), 1);
  EXPECT_EQ(chosen("选B。", "B"), 1);
  EXPECT_EQ(chosen("【答案】B", "B"), 1);
  EXPECT_EQ(chosen("The best answer is B because A is wrong", "B"), 1);
  EXPECT_EQ(chosen("The best answer is B because A is wrong", "A"), 0);
  EXPECT_EQ(chosen("Answer: (B) is wrong", "B"), 0);
  EXPECT_EQ(chosen("Option B is incorrect.", "B"), 0);
  EXPECT_THROW(chosen("B", "42"), std::exception) << "a gold answer that is no letter is the data's fault";
}

TEST(Pattern, IsFoundInTheCompletionOrNot) {
  const PatternReward reward({.pattern = "(?m)^Answer: -?\\d+$"});
  EXPECT_EQ(reward.score(sample_of("3 + 4 = 7.\nAnswer: 7")).value, 1);
  EXPECT_EQ(reward.score(sample_of("The answer: 7")).value, 0);
  EXPECT_EQ(reward.score(sample_of("Answer: seven")).value, 0);
  EXPECT_THROW(PatternReward({.pattern = "("}), std::exception);
}

TEST(JsonSchema, MatchesTypesBoundsAndCombinations) {
  const Json schema = Json::parse(R"({"type": "object", "required": ["name", "age"], "additionalProperties": false,
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0},
                   "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2, "uniqueItems": true}}})");
  const auto matches = [&](const char* text) { return !Schema(schema).mismatch(Json::parse(text)).has_value(); };
  EXPECT_TRUE(matches(R"({"name": "x", "age": 3})"));
  EXPECT_TRUE(matches(R"({"name": "x", "age": 3.0, "tags": ["a", "b"]})"));
  EXPECT_FALSE(matches(R"({"name": "x"})"));
  EXPECT_FALSE(matches(R"({"name": "", "age": 3})"));
  EXPECT_FALSE(matches(R"({"name": "x", "age": -1})"));
  EXPECT_FALSE(matches(R"({"name": "x", "age": 3.5})"));
  EXPECT_FALSE(matches(R"({"name": "x", "age": 3, "more": 1})"));
  EXPECT_FALSE(matches(R"({"name": "x", "age": 3, "tags": ["a", "a"]})"));
  EXPECT_FALSE(matches(R"([1])"));
}

TEST(JsonSchema, ReadsTheTagTheBlockOrTheWhole) {
  JsonSchemaReward::Settings settings;
  settings.schema = Json{{"type", "array"}};
  const JsonSchemaReward reward(settings);
  EXPECT_EQ(reward.score(sample_of("<answer>[1]</answer>")).value, 1);
  EXPECT_EQ(reward.score(sample_of("Here:\n```json\n[1]\n```")).value, 1);
  EXPECT_EQ(reward.score(sample_of("[]")).value, 1);
  EXPECT_EQ(reward.score(sample_of("[1,")).value, 0);
  EXPECT_EQ(reward.score(sample_of("{}")).value, 0);
}

Score plugged(const char* script, double deadline = 120) {
  PluginReward::Settings settings;
  settings.command = {"sh", "-c", script};
  settings.deadline_s = settings.wall_s = deadline;
  settings.start_s = 0;
  return PluginReward(settings).score(sample_of("x", "y"));
}

TEST(Plugin, SpeaksJsonLines) {
  const Score score = plugged(R"(while read line; do echo '{"id":1,"reward":0.25,"detail":"ok"}'; done)");
  EXPECT_EQ(score.value, 0.25);
  EXPECT_EQ(score.verdict, Verdict::right);
  EXPECT_EQ(score.detail, "ok");
}

TEST(Plugin, ANullRewardIsNoWordOnTheSample) {
  const Score score = plugged(R"(read line; echo '{"id":1,"reward":null,"detail":"no tests"}')");
  EXPECT_EQ(score.verdict, Verdict::absent);
  EXPECT_EQ(score.detail, "no tests");
}

TEST(Plugin, WhatGoesWrongIsFailedAndNeverAZero) {
  EXPECT_EQ(plugged("exit 1").verdict, Verdict::failed);
  EXPECT_EQ(plugged("read line; echo nonsense").verdict, Verdict::failed);
  EXPECT_EQ(plugged(R"(read line; echo '{"id":2,"reward":1}')").verdict, Verdict::failed)
      << "the answer to another question";
  EXPECT_EQ(plugged("read line; sleep 60", 0.1).verdict, Verdict::failed);
  PluginReward::Settings missing;
  missing.command = {"/no/such/program"};
  EXPECT_EQ(PluginReward(missing).score(sample_of("x")).verdict, Verdict::failed);
}

TEST(Plugin, ADeadChildIsReplaced) {
  PluginReward::Settings settings;  // answers once, then ends
  settings.command = {"sh", "-c", R"(read line; echo '{"id":1,"reward":1}')"};
  const PluginReward reward(settings);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reward.score(sample_of("x")).verdict, Verdict::right) << i;
}

TEST(Plugin, ThreadsHaveChildrenOfTheirOwn) {
  PluginReward::Settings settings;
  settings.command = {"sh", "-c", R"(while read line; do echo '{"id":1,"reward":1}'; done)"};
  const PluginReward reward(settings);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_EQ(reward.score(sample_of("x")).value, 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace posttrain::rewards
