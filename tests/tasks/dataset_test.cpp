#include "tasks/dataset.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace posttrain::tasks {
namespace {

Record record(const char* line, const DataFields& fields = {}) {
  return read_record(Json::parse(line), fields, "data.jsonl:1");
}

TEST(Dataset, EveryPublicShapeIsRead) {
  const Record chat = record(R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})");
  EXPECT_EQ(chat.question, "q");
  EXPECT_EQ(Json::parse(chat.messages).size(), 2u);

  const Record plain = record(R"({"prompt":"p","completion":"c"})");
  EXPECT_EQ(plain.prompt, "p");
  EXPECT_EQ(plain.completion, "c");
  EXPECT_EQ(plain.messages, "");

  const Record gsm8k = record(R"({"question":"How many?","answer":"He has <<3*4=12>>12.\n#### 1,200"})");
  EXPECT_EQ(gsm8k.reference, "1200");
  EXPECT_EQ(gsm8k.question, "How many?");
  EXPECT_EQ(Json::parse(gsm8k.messages)[1]["role"], "assistant");

  const Record math = record(R"({"problem":"x?","solution":"Not \\boxed{1}, but \\boxed{\\frac{1}{2}}."})");
  EXPECT_EQ(math.reference, "\\frac{1}{2}");
}

TEST(Dataset, FieldsAreMappedByName) {
  DataFields fields;
  fields.question = "input";
  fields.answer = "target";
  EXPECT_EQ(record(R"({"input":"q","target":"#### 7"})", fields).reference, "7");
}

TEST(Dataset, ShortAnswersAreTheirOwnResult) {
  EXPECT_EQ(record(R"({"question":"q","answer":"204"})").reference, "204");
  EXPECT_EQ(record(R"({"question":"q","answer":27.0})").reference, "27");
  EXPECT_EQ(record(R"({"question":"q","answer":0.5})").reference, "0.5");
  DataFields fields;
  fields.answer = "final_answer";
  EXPECT_EQ(record(R"({"question":"q","solution":["s"],"final_answer":["$n$","3"]})", fields).reference, "$n$, 3");
  EXPECT_THROW(record(R"({"question":"q","answer":[]})"), Error);
}

TEST(Dataset, ResultsAreFoundWhereTheyStand) {
  EXPECT_EQ(result_behind_hashes("a #### b\n#### -5 "), "-5");
  EXPECT_EQ(result_behind_hashes("none"), std::nullopt);
  EXPECT_EQ(result_in_box("\\boxed{\\{1\\}}"), "\\{1\\}");
  EXPECT_EQ(result_in_box("$\\boxed 5$"), "5");
  EXPECT_EQ(result_in_box("\\boxed{open"), std::nullopt);
}

TEST(Dataset, ABadLineIsAnErrorWithItsNumber) {
  const auto file = std::filesystem::temp_directory_path() / "posttrain_dataset.jsonl";
  write_file_atomically(file, "{\"prompt\":\"a\"}\n\n{\"text\":1}\n");
  try {
    read_dataset(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("posttrain_dataset.jsonl:3"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("got text"), std::string::npos) << error.what();
  }
  EXPECT_EQ(read_dataset(file, {}, 1).size(), 1u);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace posttrain::tasks
