#include "rollout/second_attempt.h"

#include <gtest/gtest.h>

namespace posttrain::rollout {
namespace {

Answer answer(const std::string& text, Verdict verdict, const std::string& feedback) {
  Answer out;
  out.text = text;
  out.outcome.verdict = verdict;
  out.outcome.feedback = feedback;
  return out;
}

TEST(SecondAttempt, FollowsWrongAnswersWithFeedbackAndShowsIt) {
  std::vector<ScoredGroup> groups(2);
  groups[0].problem = {.id = "p", .prompt = "Write f.\n", .answer = "gold", .extra = {{"tests", 1}}};
  groups[0].answers = {answer("right", Verdict::right, ""), answer("wrong", Verdict::wrong, ""),
                       answer("int f(", Verdict::wrong, "error: expected ')'"),
                       answer("int g(", Verdict::wrong, "error: another")};
  groups[1].answers = {answer("masked", Verdict::failed, "the judge's own fault is no feedback")};
  const auto one = second_attempts(groups, 1);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].group, 0u);
  EXPECT_EQ(one[0].answer, 2u);
  EXPECT_EQ(one[0].problem.prompt, "Write f.\nint f(\n\nThis does not compile:\nerror: expected ')'\nCorrected:\n");
  EXPECT_EQ(one[0].problem.extra, groups[0].problem.extra) << "judged by the same tests";
  EXPECT_EQ(second_attempts(groups, 9).size(), 2u);
  EXPECT_TRUE(second_attempts(groups, 0).empty());
}

}  // namespace
}  // namespace posttrain::rollout
