// The math checker against cases with a known verdict: our own (committed) and those beside the checkout.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "rewards/math/checker.h"

namespace posttrain::rewards {
namespace {

// Every case of the file gets the reward it deserves.
void expect_all(const std::filesystem::path& file) {
  std::ifstream in(file);
  ASSERT_TRUE(in) << file;
  int cases = 0;
  for (std::string line; std::getline(in, line);) {
    const Json row = parse_json(line, file.string());
    const auto gold = row["gold"].get<std::string>(), pred = row["pred"].get<std::string>();
    const math::CheckResult result = math::check(gold, pred);
    EXPECT_EQ(result.verdict == Verdict::right, row["expected"].get<bool>())
        << to_line(row["id"]) << " gold " << gold.substr(0, 200) << " pred " << pred.substr(0, 200) << " "
        << to_string(result.verdict) << " by " << result.method << ": " << result.gold_parsed << " against "
        << result.pred_parsed;
    ++cases;
  }
  EXPECT_GT(cases, 100);
}

TEST(MathChecker, OwnCases) {
  expect_all(std::filesystem::path(POSTTRAIN_SOURCE_DIR) / "tests/rewards/math_cases.jsonl");
}

TEST(MathChecker, AQuestionTakesTheSameStepsWhereverItsMemoryLies) {
  // Found by fuzzing: lists were compared from a place that an address decided, some within these steps and some not.
  const std::string list =
      "eas37,,9e12 pe%rce\xFFz11T'=&\xFF\xFF= ncrease12sol \xFF\xFD\xFFn\xFE\xFF\xFF\xFF\xFFz11T'and o=&\xFF\xFF= "
      "ncrease12sol \xFF\xFD\xFFt.";
  const math::CheckOptions tight{.steps = 50'000};
  const math::CheckResult first = math::check(list, list, tight);
  std::vector<std::string> elsewhere;
  for (size_t i = 1; i < 64; ++i) {
    elsewhere.emplace_back(i * 44, 'x');
    EXPECT_EQ(math::check(list, list, tight).method, first.method) << i;
  }
}

TEST(MathChecker, SharedCases) {
  const std::filesystem::path file = POSTTRAIN_SOURCE_DIR "/../shared/math_cases/cases.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  expect_all(file);
}

}  // namespace
}  // namespace posttrain::rewards
