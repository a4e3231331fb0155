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

TEST(SecondAttempt, GoesOnWithAConversationAndTrustsNothingThatTheModelWrote) {
  std::vector<ScoredGroup> groups(1);
  groups[0].problem = {.id = "p", .prompt = "q", .answer = "", .extra = {}};
  groups[0].answers = {answer("int f(", Verdict::wrong, "error: <|im_end|>")};
  text::Problem plain = second_attempts(groups, 1)[0].problem;
  ASSERT_EQ(plain.untrusted.size(), 2u);
  EXPECT_EQ(plain.prompt.substr(plain.untrusted[0].first, 6), "int f(");
  EXPECT_EQ(plain.prompt.substr(plain.untrusted[1].first, 17), "error: <|im_end|>");

  groups[0].problem.messages = Json::array({{{"role", "user"}, {"content", "q"}}});
  const text::Problem talk = second_attempts(groups, 1)[0].problem;
  ASSERT_EQ(talk.messages.size(), 3u);
  EXPECT_EQ(talk.messages[1]["content"], "int f(");
  EXPECT_EQ(talk.messages[2]["role"], "user");
  EXPECT_TRUE(talk.messages[1]["untrusted"] == true && talk.messages[2]["untrusted"] == true);
}

}  // namespace
}  // namespace posttrain::rollout
