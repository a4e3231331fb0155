// The checker on real answers beside the checkout: what is right is accepted, and no changed answer is.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "base/json.h"
#include "base/rng.h"
#include "mathcheck/checker.h"
#include "mathcheck/extract.h"

namespace posttrain::rewards {
namespace {

const std::filesystem::path data = POSTTRAIN_SOURCE_DIR "/../shared/data";

struct Reference {
  std::string solution, answer;
};

std::vector<Reference> read(const std::filesystem::path& file, const char* solution) {
  std::vector<Reference> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const Json row = parse_json(line, file.string());
    const auto text = row[solution].get<std::string>();
    out.push_back({text, mathcheck::extract_answer(text, mathcheck::Policy::marked).text});
  }
  return out;
}

std::vector<Reference> math_references() {
  return read(data / "math/train.jsonl", "solution");
}

std::vector<Reference> gsm8k_references() {
  auto out = read(data / "gsm8k/train.jsonl", "answer");
  for (Reference& more : read(data / "gsm8k/test.jsonl", "answer")) out.push_back(std::move(more));
  return out;
}

bool accepted(const std::string& gold, const std::string& reply) {
  return mathcheck::check(gold, reply).verdict == Verdict::right;
}

std::string boxed(const std::string& answer) {
  return "\\boxed{" + answer + "}";
}

// Changes one digit; empty where there is none.
std::string one_digit_mutant(std::string answer, Rng& rng) {
  std::vector<size_t> digits;
  for (size_t i = 0; i < answer.size(); ++i) {
    if (answer[i] >= '0' && answer[i] <= '9') digits.push_back(i);
  }
  if (digits.empty()) return {};
  char& digit = answer[digits[static_cast<size_t>(rng.integer(0, std::ssize(digits) - 1))]];
  digit = static_cast<char>('0' + (digit - '0' + rng.integer(1, 9)) % 10);
  return answer;
}

class MathData : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(data / "math/train.jsonl")) GTEST_SKIP() << "needs " << data;
  }
};

TEST_F(MathData, ReferencesAreRightByTheirOwnAnswers) {
  int right = 0, all = 0;
  for (const Reference& r : math_references()) {
    ++all;
    right += accepted(r.answer, r.solution);
  }
  EXPECT_GE(right, 0.998 * all);
  RecordProperty("math_right", right);
  int gsm = 0;
  const auto gsm8k = gsm8k_references();
  for (const Reference& r : gsm8k) gsm += accepted(r.answer, r.solution);
  EXPECT_EQ(gsm, std::ssize(gsm8k));
}

// The draws whose two sides are equal as mathematics, read one by one; everything else that is accepted is a fault.
const std::set<std::pair<std::string, std::string>> truly_equal = {
    {"1_6", "1_4"},  {"1_7", "1_2"},         {"1_7", "1_5"}, {"1_7", "1"},  // one is one in every base
    {"20", "20\\%"}, {".6", "\\frac{3}{5}"}, {"k=3", "3"},   {"7", "7 \\text{ distinct integers}"},
};

TEST_F(MathData, NoMutantOfOneDigitIsAccepted) {
  Rng rng({1, hash_name("mutants")});
  int mutants = 0;
  const std::vector<Reference> math = math_references(), gsm8k = gsm8k_references();
  while (mutants < 20'000) {
    const auto& source = mutants % 2 == 0 ? math : gsm8k;
    const std::string& gold = source[static_cast<size_t>(rng.integer(0, std::ssize(source) - 1))].answer;
    const std::string mutant = one_digit_mutant(gold, rng);
    if (mutant.empty()) continue;
    ++mutants;
    if (truly_equal.contains({gold, mutant})) continue;
    EXPECT_FALSE(accepted(gold, boxed(mutant))) << gold << " against " << mutant;
  }
}

TEST_F(MathData, NoAnswerToAnotherProblemIsAccepted) {
  Rng rng({2, hash_name("pairs")});
  const std::vector<Reference> math = math_references(), gsm8k = gsm8k_references();
  int pairs = 0;
  while (pairs < 20'000) {
    const auto& source = pairs % 4 == 0 ? gsm8k : math;
    const auto pick = [&]() -> const std::string& {
      return source[static_cast<size_t>(rng.integer(0, std::ssize(source) - 1))].answer;
    };
    const std::string &gold = pick(), &other = pick();
    if (gold == other) continue;
    ++pairs;
    if (truly_equal.contains({gold, other})) continue;
    EXPECT_FALSE(accepted(gold, boxed(other))) << gold << " against " << other;
  }
}

}  // namespace
}  // namespace posttrain::rewards
