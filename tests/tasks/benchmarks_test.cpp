#include "tasks/benchmarks.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "tasks/task_table.h"

namespace posttrain::tasks {
namespace {

// How many problems each has, as the papers count them (of CodeContests the sample that is shared).
const std::map<std::string, int64_t> sizes = {{"gsm8k", 1319},        {"math500", 500},   {"aime24", 30},
                                              {"aime25", 30},         {"amc23", 40},      {"minerva", 272},
                                              {"olympiadbench", 675}, {"humaneval", 164}, {"mbpp", 974},
                                              {"codecontests", 107},  {"minif2f", 244}};

Tagged task_of(const Benchmark& benchmark, const std::filesystem::path& data) {
  Tagged settings{task_cases()};
  EXPECT_TRUE(settings.choose(benchmark.task)) << benchmark.name;
  Json values = parse_json(benchmark.settings, benchmark.name);
  values["test"] = benchmark_file(benchmark, data).string();
  read_params(values, *settings.slot(), "task");
  return settings;
}

TEST(Benchmarks, AreFoundByNameAndTheirRewardsExist) {
  EXPECT_EQ(benchmarks().size(), sizes.size());
  for (const Benchmark& benchmark : benchmarks()) {
    EXPECT_EQ(find_benchmark(benchmark.name), &benchmark);
    const rewards::RewardSpec spec(benchmark.reward, 1, parse_json(benchmark.judged, benchmark.name));
    EXPECT_EQ(spec.reward.type(), benchmark.reward);
  }
  EXPECT_EQ(find_benchmark("gsm9k"), nullptr);
}

TEST(Benchmarks, AMissingFileIsNamedWithWhereItWasLookedFor) {
  try {
    benchmark_file(*find_benchmark("aime24"), "/no/such/folder");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "eval: --data: expected the file of aime24, or a folder with aime24/test.jsonl, got /no/such/folder");
  }
}

TEST(Benchmarks, HaveAllTheirProblemsAndEveryOneOfMathematicsAnAnswer) {
  const std::filesystem::path data = POSTTRAIN_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no ../shared/data";
  for (const Benchmark& benchmark : benchmarks()) {
    const auto task = make_task(task_of(benchmark, data));
    ASSERT_EQ(task->size(text::Split::test), sizes.at(benchmark.name)) << benchmark.name;
    for (int64_t i = 0; i < task->size(text::Split::test); ++i) {
      const auto problem = task->problem(text::Split::test, 1, static_cast<uint64_t>(i));
      EXPECT_FALSE(problem.prompt.empty()) << benchmark.name << ' ' << problem.id;
      if (std::string(benchmark.reward) == "math") {
        EXPECT_FALSE(problem.answer.empty()) << benchmark.name << ' ' << problem.id;
      }
    }
  }
}

}  // namespace
}  // namespace posttrain::tasks
