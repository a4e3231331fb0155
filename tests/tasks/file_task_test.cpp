// Splits of a file: nothing is in two, and which problem is held out depends on the problem alone.
#include "tasks/file_task.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "tasks/jsonl_task.h"
#include "tasks/lean_data_task.h"

namespace posttrain::tasks {
namespace {

using text::Split;

class FileTaskTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& lines) {
    std::filesystem::create_directories(dir_);
    write_file_atomically(dir_ / name, lines);
    return (dir_ / name).string();
  }
  static std::string sums(int from, int to) {
    std::string lines;
    for (int i = from; i < to; ++i)
      lines += "{\"prompt\": \"" + std::to_string(i) + "+1=\", \"answer\": " + std::to_string(i + 1) + "}\n";
    return lines;
  }
  static std::set<std::string> prompts(const text::Task& task, Split split) {
    std::set<std::string> out;
    for (int64_t i = 0; i < task.size(split); ++i) out.insert(task.row(split, static_cast<size_t>(i)).prompt);
    return out;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_ =
      std::filesystem::temp_directory_path() / ("posttrain_files_" + std::to_string(::getpid()));
};

TEST_F(FileTaskTest, APartOfTheTrainingFileIsHeldOutByWhatItAsks) {
  const auto train = file("train.jsonl", sums(0, 400)), test = file("test.jsonl", sums(390, 450));
  const JsonlTask whole({.files = {.train = train, .valid = {}, .test = test}});
  EXPECT_EQ(whole.size(Split::valid), 0);
  const JsonlTask task({.files = {.train = train, .valid = {}, .test = test}}, HoldOut::valid);
  const auto learnt = prompts(task, Split::train), held = prompts(task, Split::valid),
             told = prompts(task, Split::test);
  EXPECT_EQ(learnt.size() + held.size(), 400u);
  EXPECT_NEAR(static_cast<double>(held.size()), 25, 15);
  for (const std::string& one : held) {
    EXPECT_FALSE(learnt.contains(one));
    EXPECT_FALSE(told.contains(one));
  }
  // Another file with some of the same problems holds out the same ones of them.
  const JsonlTask other({.files = {.train = file("other.jsonl", sums(100, 300))}}, HoldOut::valid);
  for (const std::string& one : prompts(other, Split::valid)) EXPECT_TRUE(held.contains(one)) << one;
}

TEST_F(FileTaskTest, EqualProblemsAreHeldOutTogetherAndAtLeastOneIs) {
  const auto task = JsonlTask({.files = {.train = file("few.jsonl", sums(0, 3) + sums(0, 3))}}, HoldOut::valid);
  EXPECT_EQ(task.size(Split::valid), 2);
  EXPECT_EQ(task.size(Split::train), 4);
  EXPECT_EQ(prompts(task, Split::valid).size(), 1u);
  EXPECT_THROW(JsonlTask({.files = {.train = file("one.jsonl", sums(0, 1))}}, HoldOut::valid), Error);
}

TEST_F(FileTaskTest, AFileOfItsOwnIsNotHeldOut) {
  const JsonlTask task({.files = {.train = file("t.jsonl", sums(0, 20)), .valid = file("v.jsonl", sums(50, 55))}},
                       HoldOut::valid);
  EXPECT_EQ(task.size(Split::train), 20);
  EXPECT_EQ(task.size(Split::valid), 5);
  EXPECT_EQ(task.row(Split::valid, 4).id, "valid:5");
}

TEST_F(FileTaskTest, ProblemsNameTheirRowsAndBringThem) {
  const JsonlTask task({.files = {.train = file("x.jsonl", "\n{\"prompt\":\"p\",\"answer\":1,\"topic\":\"sum\"}\n")}});
  const text::Problem p = task.problem(Split::train, 1, 0);
  EXPECT_EQ(p.id, "train:2");
  EXPECT_TRUE(p.where.ends_with("x.jsonl:2"));
  EXPECT_EQ(p.answer, "1");
  EXPECT_EQ(p.extra["topic"], "sum");
}

TEST_F(FileTaskTest, ABadLineIsAnErrorWithItsNumber) {
  try {
    const JsonlTask task({.files = {.train = file("bad.jsonl", "{\"prompt\":\"a\"}\n\n{\"text\":1}\n")}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("bad.jsonl:3"), std::string::npos) << error.what();
  }
}

TEST_F(FileTaskTest, StatementsStandInEveryTask) {
  const LeanDataTask task(
      {.files = {.test = file("l.jsonl", R"({"name":"v0","formal_statement":"theorem v0 : True := by"})")}});
  const text::Problem p = task.problem(Split::test, 1, 0);
  EXPECT_EQ(p.id, "v0");
  EXPECT_EQ(p.statement, "theorem v0 : True := by");
}

}  // namespace
}  // namespace posttrain::tasks
