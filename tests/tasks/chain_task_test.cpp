#include "tasks/chain_task.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "text/char_tokenizer.h"
#include "text/tokenizer.h"

namespace posttrain::tasks {
namespace {

int solve(const std::string& problem) {  // "7+5*3-8": left to right, every step mod 10
  int value = problem[0] - '0';
  for (size_t i = 1; i + 1 < problem.size(); i += 2) {
    const int b = problem[i + 1] - '0';
    value = problem[i] == '+' ? value + b : problem[i] == '-' ? value - b : value * b;
    value = ((value % 10) + 10) % 10;
  }
  return value;
}

TEST(ChainTask, AnswersAreRight) {
  const ChainTask task{ChainSettings{}};
  for (uint64_t i = 0; i < 2000; ++i) {
    const text::Problem p = task.problem(i % 2 ? text::Split::train : text::Split::test, 1, i);
    EXPECT_EQ(p.answer, std::to_string(solve(p.id))) << p.id;
    EXPECT_EQ(p.prompt, p.id + "=");
  }
}

// The split is a function of the problem's text, so what is evaluated can't be in any training data, whatever the seed.
TEST(ChainTask, TestProblemsAreInNoTrainingDataByConstruction) {
  const ChainTask task{ChainSettings{}};
  std::set<std::string> test;
  for (uint64_t i = 0; i < 3000; ++i) {
    for (const text::Split split : {text::Split::test, text::Split::valid}) {
      const text::Problem p = task.problem(split, 1, i);
      EXPECT_EQ(ChainTask::split(p.id), split);
      test.insert(p.id);
    }
  }
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (uint64_t i = 0; i < 5000; ++i) {
      const text::Problem p = task.problem(text::Split::train, seed, i);
      EXPECT_EQ(ChainTask::split(p.id), text::Split::train);
      EXPECT_FALSE(test.contains(p.id));
      const text::Document d = task.document(i % 2 ? text::Source::corpus : text::Source::traces, seed, i);
      if (d.text.starts_with('#')) continue;  // a page of single steps
      const std::string problem = d.text.substr(0, d.prompt_bytes - 1);
      EXPECT_EQ(ChainTask::split(problem), text::Split::train) << problem;
      EXPECT_FALSE(test.contains(problem)) << problem;
    }
  }
}

TEST(ChainTask, AboutOneProblemInSixteenIsForTheTestAndAsManyForValidation) {
  double valid = 0, test = 0, all = 0;
  for (char a = '0'; a <= '9'; ++a) {
    for (const char o : {'+', '-', '*'}) {
      for (char b = '1'; b <= '9'; ++b) {
        for (const char q : {'+', '-', '*'}) {
          for (char c = '1'; c <= '9'; ++c, ++all) {
            const text::Split split = ChainTask::split(std::string{a, o, b, q, c});
            valid += split == text::Split::valid;
            test += split == text::Split::test;
          }
        }
      }
    }
  }
  EXPECT_NEAR(test / all, 0.0625, 0.01);
  EXPECT_NEAR(valid / all, 0.0625, 0.01);
}

TEST(ChainTask, TheCorpusHasItsMix) {
  const ChainTask task{ChainSettings{}};
  std::map<std::string, int> kinds;
  constexpr int n = 20000;
  for (uint64_t i = 0; i < n; ++i) {
    const std::string text = task.document(text::Source::corpus, 1, i).text;
    if (text.starts_with('#')) {
      ++kinds["facts"];
    } else if (text.find("<think></think><answer>") != std::string::npos) {
      ++kinds["guess"];
    }
    if (text.find(" wait, ") != std::string::npos) ++kinds["wait"];
    EXPECT_TRUE(text.ends_with("<eos>")) << text;
  }
  EXPECT_NEAR(kinds["facts"] / double{n}, 0.12, 0.01);
  EXPECT_NEAR(kinds["guess"] / double{n}, 0.43, 0.015);
  EXPECT_GT(kinds["wait"], 100);
}

TEST(ChainTask, EveryDocumentIsWrittenInItsVocabularyTokenForToken) {
  const ChainTask task{ChainSettings{}};
  const auto tokenizer = Tokenizer::from_json(char_tokenizer_json(chain_vocabulary()).dump(), "chain");
  for (uint64_t i = 0; i < 2000; ++i) {
    const text::Document d = task.document(text::Source::corpus, 2, i);
    const auto ids = tokenizer.encode(d.text);
    EXPECT_EQ(tokenizer.decode(ids), d.text);
    EXPECT_LT(ids.size(), 129u);
  }
  EXPECT_EQ(tokenizer.encode("7+5=2 wait, 7<think>").size(), 8u) << "wait and the tags are single tokens";
}

TEST(ChainTask, SameSeedSameBytes) {
  const ChainTask task{ChainSettings{}};
  EXPECT_EQ(task.document(text::Source::corpus, 5, 17).text, task.document(text::Source::corpus, 5, 17).text);
  EXPECT_NE(task.document(text::Source::corpus, 5, 17).text + task.document(text::Source::corpus, 5, 18).text,
            task.document(text::Source::corpus, 6, 17).text + task.document(text::Source::corpus, 6, 18).text);
}

}  // namespace
}  // namespace posttrain::tasks
