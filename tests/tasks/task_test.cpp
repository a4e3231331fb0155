// Tasks whose problems are conversations: generated word problems and JSONL files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "tasks/jsonl_task.h"
#include "tasks/word_task.h"

namespace posttrain::tasks {
namespace {

// Checks "a op b = c. c op d = e.\nAnswer: e": every step is right and goes on from the one before.
void expect_sound(const std::string& work, int64_t steps) {
  const std::regex step(R"((\d+) ([-+*/]) (\d+) = (\d+)\.)"), answer(R"(\nAnswer: (\d+)$)");
  std::smatch end;
  ASSERT_TRUE(std::regex_search(work, end, answer)) << work;
  int64_t value = -1, count = 0;
  for (std::sregex_iterator it(work.begin(), work.end(), step), none; it != none; ++it, ++count) {
    const int64_t a = std::stoll((*it)[1]), b = std::stoll((*it)[3]), c = std::stoll((*it)[4]);
    if (count > 0) {
      EXPECT_EQ(a, value) << work;
    }
    const char op = *(*it)[2].first;
    EXPECT_EQ(op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b, c) << work;
    if (op == '/') {
      EXPECT_EQ(a % b, 0) << work;
    }
    EXPECT_GT(c, 0) << work;
    value = c;
  }
  EXPECT_EQ(count, steps) << work;
  EXPECT_EQ(std::stoll(end[1]), value) << work;
}

TEST(WordTask, SolutionsAreSoundAndHaveTheAskedNumberOfSteps) {
  for (const int64_t steps : {1, 2}) {
    const WordTask task({steps, steps});
    for (uint64_t i = 0; i < 400; ++i) {
      const text::Document d = task.document(text::Source::traces, 1, i);
      ASSERT_EQ(d.messages.size(), 2u);
      expect_sound(d.messages[1]["content"].get<std::string>(), steps);
    }
  }
}

TEST(WordTask, TestProblemsAreNeverTrainedOn) {
  const WordTask task({1, 2});
  std::set<std::string> trained;
  for (uint64_t i = 0; i < 500; ++i) {
    trained.insert(task.problem(text::Split::train, 1, i).prompt);
    trained.insert(task.document(text::Source::traces, 1, i).messages[0]["content"].get<std::string>());
  }
  EXPECT_GT(trained.size(), 900u);
  for (uint64_t i = 0; i < 500; ++i) {
    const text::Problem p = task.problem(text::Split::test, 1, i);
    EXPECT_EQ(WordTask::split(p.prompt), text::Split::test);
    EXPECT_FALSE(trained.contains(p.prompt));
    EXPECT_EQ(p.messages[0]["content"], p.prompt);
  }
}

class JsonlTaskTest : public testing::Test {
 protected:
  JsonlSettings settings(const std::string& lines) {
    std::filesystem::create_directories(dir_);
    write_file_atomically(dir_ / "data.jsonl", lines);
    const std::string file = (dir_ / "data.jsonl").string();
    return {.files = {.train = file, .valid = {}, .test = file}};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_ =
      std::filesystem::temp_directory_path() / ("posttrain_jsonl_" + std::to_string(::getpid()));
};

TEST_F(JsonlTaskTest, QuestionsBecomeConversationsWithTheResultAsGold) {
  const JsonlTask task(settings(R"({"question": "2*3?", "answer": "It is 6.\n#### 6"})"));
  const text::Problem p = task.problem(text::Split::test, 1, 0);
  EXPECT_EQ(p.answer, "6");
  ASSERT_EQ(p.messages.size(), 1u);
  EXPECT_EQ(p.messages[0]["content"], "2*3?");
  EXPECT_EQ(task.document(text::Source::corpus, 1, 0).messages[1]["content"], "It is 6.\n#### 6");
}

TEST_F(JsonlTaskTest, PlainPromptsStayPlainAndEnd) {
  const JsonlTask task(settings(R"({"prompt": "2*3=", "completion": "6"})"));
  EXPECT_TRUE(task.problem(text::Split::train, 1, 0).messages.is_null());
  EXPECT_EQ(task.problem(text::Split::train, 1, 0).prompt, "2*3=");
  const text::Document d = task.document(text::Source::traces, 1, 0);
  EXPECT_EQ(d.text, "2*3=6");
  EXPECT_EQ(d.prompt_bytes, 4u);
  EXPECT_TRUE(d.ends);
}

TEST_F(JsonlTaskTest, EveryPassShowsEveryLineOnceInAnotherOrder) {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += "{\"prompt\": \"" + std::to_string(i) + "\", \"completion\": \"x\"}\n";
  const JsonlTask task(settings(lines));
  std::vector<std::string> first, second;
  for (uint64_t i = 0; i < 50; ++i) {
    first.push_back(task.problem(text::Split::train, 7, i).prompt);
    second.push_back(task.problem(text::Split::train, 7, 50 + i).prompt);
  }
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 50u);
  EXPECT_EQ(std::set(first.begin(), first.end()), std::set(second.begin(), second.end()));
}

TEST_F(JsonlTaskTest, ALineWithoutAnAnswerIsNothingToLearnFrom) {
  const JsonlTask task(settings(R"({"messages": [{"role": "user", "content": "hi"}]})"));
  EXPECT_EQ(task.problem(text::Split::train, 1, 0).messages.size(), 1u);
  EXPECT_THROW(task.document(text::Source::corpus, 1, 0), Error);
}

}  // namespace
}  // namespace posttrain::tasks
