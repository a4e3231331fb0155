// Every shape in which public data sets keep questions and gold answers.
#include "tasks/dataset.h"

#include <gtest/gtest.h>

#include "tasks/gold.h"

namespace posttrain::tasks {
namespace {

DataRow row(const char* line, const DataFields& fields = {}) {
  return read_row(Json::parse(line), fields, "data.jsonl:1");
}

std::string gold(const std::string& line, const DataFields& fields = {}) {
  return row(line.c_str(), fields).problem.answer;
}

TEST(Dataset, EveryPublicShapeIsRead) {
  const DataRow chat = row(R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})");
  EXPECT_EQ(chat.problem.prompt, "q");
  EXPECT_EQ(chat.problem.messages.size(), 1u);
  EXPECT_EQ(chat.document.messages.size(), 2u);
  EXPECT_TRUE(chat.answered);

  const DataRow plain = row(R"({"prompt":"p","completion":"c"})");
  EXPECT_EQ(plain.problem.prompt, "p");
  EXPECT_EQ(plain.document.text, "pc");
  EXPECT_EQ(plain.document.prompt_bytes, 1u);
  EXPECT_TRUE(plain.problem.messages.is_null());

  const DataRow gsm8k = row(R"({"question":"How many?","answer":"He has <<3*4=12>>12.\n#### 1,200"})");
  EXPECT_EQ(gsm8k.problem.answer, "1200");
  EXPECT_EQ(gsm8k.problem.prompt, "How many?");
  EXPECT_EQ(gsm8k.document.messages[1]["role"], "assistant");

  const DataRow math = row(R"({"problem":"x?","solution":"Not \\boxed{1}, but \\boxed{\\frac{1}{2}}."})");
  EXPECT_EQ(math.problem.answer, "\\frac{1}{2}");

  const DataRow alpaca = row(R"({"instruction":"Add.","input":"1 2","output":"3"})");
  EXPECT_EQ(alpaca.problem.prompt, "Add.\n\n1 2");
  EXPECT_EQ(alpaca.document.messages[1]["content"], "3");
}

TEST(Dataset, TheWholeRowGoesAlong) {
  const DataRow one = row(R"({"question":"q","answer":"1","topic":"sum","nums":[1,2],"formal_statement":"theorem t"})");
  EXPECT_EQ(one.problem.extra["topic"], "sum");
  EXPECT_EQ(one.problem.extra["nums"].size(), 2u);
  EXPECT_EQ(one.problem.statement, "theorem t");
  EXPECT_EQ(one.problem.where, "data.jsonl:1");
}

TEST(Dataset, GoldIsFoundBesideEveryShapeOfPrompt) {
  const char* prompts[] = {R"("prompt":"p")",
                           R"("prompt":[{"role":"user","content":"p"}])",
                           R"("messages":[{"role":"user","content":"p"}])",
                           R"("messages":[{"role":"user","content":"p"},{"role":"assistant","content":"so 5"}])",
                           R"("question":"p")",
                           R"("problem":"p")",
                           R"("instruction":"p")"};
  const char* answers[] = {R"("answer":"42")",
                           R"("solution":"42")",
                           R"("solution":"Long.\nThen \\boxed{42}.")",
                           R"("answer":"Long.\n#### 42")",
                           R"("ground_truth":"42")",
                           R"("target":42)",
                           R"("final_answer":["42"])",
                           R"("label":42.0)",
                           R"("reward_model":{"style":"rule","ground_truth":"42"})",
                           R"("extra_info":{"split":"train","answer":"Long.\n#### 42"})",
                           R"("reward_model":{"ground_truth":{"target":42,"numbers":[40,2]}})"};
  for (const char* prompt : prompts) {
    for (const char* answer : answers) {
      const std::string line = std::string("{") + prompt + "," + answer + "}";
      EXPECT_EQ(gold(line), "42") << line;
    }
  }
}

TEST(Dataset, NullAndEmptyAreNoGold) {
  EXPECT_EQ(gold(R"({"prompt":"p","answer":null})"), "");
  EXPECT_EQ(gold(R"({"prompt":"p","answer":" "})"), "");
  EXPECT_EQ(gold(R"({"prompt":"p","answer":[]})"), "");
  EXPECT_EQ(gold(R"({"prompt":"p","answer":"","solution":"7"})"), "7") << "the next that holds one";
  EXPECT_EQ(gold(R"({"problem":"p","solution":"Many words.\nNo result."})"), "") << "a proof is no answer";
  EXPECT_EQ(gold(R"({"prompt":"p"})"), "");
}

TEST(Dataset, GoldIsSpelledAsText) {
  EXPECT_EQ(gold(R"({"question":"q","answer":"204"})"), "204");
  EXPECT_EQ(gold(R"({"question":"q","answer":27.0})"), "27");
  EXPECT_EQ(gold(R"({"question":"q","answer":0.5})"), "0.5");
  EXPECT_EQ(gold(R"({"question":"q","answer":0})"), "0");
  EXPECT_EQ(gold(R"({"question":"q","answer":true})"), "true");
  EXPECT_EQ(gold(R"({"question":"q","answer":false})"), "false");
  EXPECT_EQ(gold(R"({"question":"q","solution":["s"],"final_answer":["$n$","3"]})"), "$n$, 3");
}

TEST(Dataset, WhatTheRecipeNamesGoesFirst) {
  DataFields fields;
  fields.question = "input";
  fields.answer = "target";
  EXPECT_EQ(gold(R"({"input":"q","target":"#### 7","answer":"8"})", fields), "7");
  EXPECT_EQ(row(R"({"input":"q","prompt":"p","target":"7"})", fields).problem.prompt, "q");
  fields.answer = "reward_model.truth";
  EXPECT_EQ(gold(R"({"input":"q","reward_model":{"truth":9},"answer":"8"})", fields), "9");
  EXPECT_EQ(gold(R"({"input":"q","answer":"8"})", fields), "8") << "the usual ones follow";
}

TEST(Dataset, ResultsAreFoundWhereTheyStand) {
  EXPECT_EQ(result_behind_hashes("a #### b\n#### -5 "), "-5");
  EXPECT_EQ(result_behind_hashes("none"), std::nullopt);
  EXPECT_EQ(result_in_box("\\boxed{\\{1\\}}"), "\\{1\\}");
  EXPECT_EQ(result_in_box("$\\boxed 5$"), "5");
  EXPECT_EQ(result_in_box("\\boxed{open"), std::nullopt);
}

TEST(Dataset, ARowThatAsksNothingIsAnErrorThatNamesIt) {
  try {
    row(R"({"text":1})");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("data.jsonl:1"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("got text"), std::string::npos) << error.what();
  }
  EXPECT_THROW(row(R"({"messages":[{"content":"no role"}]})"), Error);
}

}  // namespace
}  // namespace posttrain::tasks
