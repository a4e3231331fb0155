// The math checker against cases with a known verdict: our own (committed) and those beside the checkout.
#include <gtest/gtest.h>
#include <pthread.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "mathcheck/checker.h"
#include "tests/repeat.h"

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
    const mathcheck::CheckResult result = mathcheck::check(gold, pred);
    EXPECT_EQ(result.verdict == Verdict::right, row["expected"].get<bool>())
        << to_line(row["id"]) << " gold " << gold.substr(0, 200) << " pred " << pred.substr(0, 200) << " "
        << to_string(result.verdict) << " by " << result.method << ": " << result.gold_parsed << " against "
        << result.pred_parsed;
    ++cases;
  }
  EXPECT_GT(cases, 100);
}

TEST(MathChecker, OwnCases) {
  expect_all(std::filesystem::path(POSTTRAIN_SOURCE_DIR) / "tests/mathcheck/math_cases.jsonl");
}

TEST(MathChecker, AQuestionTakesTheSameStepsWhereverItsMemoryLies) {
  // Found by fuzzing: lists were compared from a place that an address decided, some within these steps and some not.
  const std::string list =
      "eas37,,9e12 pe%rce\xFFz11T'=&\xFF\xFF= ncrease12sol \xFF\xFD\xFFn\xFE\xFF\xFF\xFF\xFFz11T'and o=&\xFF\xFF= "
      "ncrease12sol \xFF\xFD\xFFt.";
  const mathcheck::CheckOptions tight{.steps = 50'000};
  const mathcheck::CheckResult first = mathcheck::check(list, list, tight);
  std::vector<std::string> elsewhere;
  for (size_t i = 1; i < 64; ++i) {
    elsewhere.emplace_back(i * 44, 'x');
    EXPECT_EQ(mathcheck::check(list, list, tight).method, first.method) << i;
  }
}

TEST(MathChecker, DepthCostsNoStack) {
  struct Case {
    std::string open, middle, close;
  };
  const std::vector<Case> cases = {{"-", "5", ""},
                                   {"5+", "5", ""},
                                   {"-(", "x", ")"},
                                   {"", "5", "\\cdot x"},
                                   {"2^{", "2", "}"},
                                   {"\\frac{1}{", "2", "}"},
                                   {"\\sqrt{", "2", "}"},
                                   {"\\{", "2", "\\}"},
                                   {"(", "2,3", ",1)"},
                                   {"", "5 cm", "+ 5 cm"},
                                   {"", "5 cm", " and 5 cm"},
                                   {"", "5", "\\%"},
                                   {"", "5", "^\\circ"},
                                   {"|", "2", "|"},
                                   {"", "x", "=x"},
                                   {"", "x=1", " or x=1"},
                                   {"", "[1,2]", "\\cup [1,2]"},
                                   {"", "5", "!"}};
  const auto all = [](void* given) -> void* {
    for (const auto& [open, middle, close] : *static_cast<const std::vector<Case>*>(given)) {
      const size_t depth = 30'000 / (open.size() + close.size());
      const std::string answer = repeat(open, depth) + middle + repeat(close, depth);
      const mathcheck::CheckOptions patient{.steps = 1'000'000'000};
      EXPECT_NO_THROW(mathcheck::check("5 cm", "\\boxed{" + answer + "}", patient)) << open << close;
      EXPECT_NO_THROW(mathcheck::check(answer, "\\boxed{" + answer + "}", patient)) << open << close;
    }
    return nullptr;
  };
  pthread_attr_t small;
  ASSERT_EQ(pthread_attr_init(&small), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&small, 1 << 20), 0);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &small, all, const_cast<std::vector<Case>*>(&cases)), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small);
}

TEST(MathChecker, AFormulaThatIsNotWorkedOutIsEqualButNoAnswer) {
  const auto right = [](const char* gold, const char* pred, mathcheck::Form form) {
    return mathcheck::check(gold, "\\boxed{" + std::string(pred) + "}", {.form = form}).verdict == Verdict::right;
  };
  struct Case {
    const char *gold, *pred;
    bool evaluated, as_gold;
  };
  const Case cases[] = {
      {"35280", "8!-7!", false, false},
      {"18564", "\\binom{18}{12}", false, false},
      {"500500", "\\sum_{n=1}^{1000} n", false, false},
      {"2", "\\sqrt{4}", false, false},
      {"12", "12", true, true},
      {"12", "x = 12", true, true},
      {"\\frac12", "0.5", true, true},
      {"-\\frac23", "\\frac{-2}{3}", true, true},
      {"602000", "6.02\\times 10^5", true, true},
      {"25\\%", "\\frac14", true, true},
      {"2\\sqrt3", "\\sqrt{12}", true, false},
      {"(x^4-16)(x^4+16)", "x^8-256", true, false},
      {"(x^4-16)(x^4+16)", "(x^4+16)(x^4-16)", true, true},
      {"x^2+2x+1", "(x+1)^2", true, false},
      {"\\binom{20}{3}", "\\binom{20}{17}", true, true},
      {"n!", "n!", true, true},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(right(c.gold, c.pred, mathcheck::Form::any)) << c.gold << " " << c.pred;
    EXPECT_EQ(right(c.gold, c.pred, mathcheck::Form::evaluated), c.evaluated) << c.gold << " " << c.pred;
    EXPECT_EQ(right(c.gold, c.pred, mathcheck::Form::as_gold), c.as_gold) << c.gold << " " << c.pred;
  }
}

TEST(MathChecker, SharedCases) {
  const std::filesystem::path file = POSTTRAIN_SOURCE_DIR "/../shared/math_cases/cases.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  expect_all(file);
}

}  // namespace
}  // namespace posttrain::rewards
