#include "rollout/second_attempt.h"

namespace posttrain::rollout {
namespace {

// Neither what the model wrote nor diagnostics that quote it may make special tokens.
void ask_again(text::Problem& problem, const std::string& answer, const std::string& feedback) {
  const std::string head = "This does not compile:\n", tail = "\nCorrected:\n";
  if (!problem.messages.is_null()) {
    problem.messages.push_back({{"role", "assistant"}, {"content", answer}, {"untrusted", true}});
    problem.messages.push_back({{"role", "user"}, {"content", head + feedback + tail}, {"untrusted", true}});
  }
  const auto add = [&](const std::string& text) {
    const size_t begin = problem.prompt.size();
    problem.prompt += text;
    problem.untrusted.emplace_back(begin, problem.prompt.size());
  };
  add(answer);
  problem.prompt += "\n\n" + head;
  add(feedback);
  problem.prompt += tail;
}

}  // namespace

std::vector<SecondAttempt> second_attempts(std::span<const ScoredGroup> groups, int64_t per_group) {
  std::vector<SecondAttempt> all;
  for (size_t g = 0; g < groups.size(); ++g) {
    int64_t left = per_group;
    for (size_t a = 0; a < groups[g].answers.size() && left > 0; ++a) {
      const Answer& answer = groups[g].answers[a];
      if (answer.outcome.feedback.empty() || answer.outcome.verdict != Verdict::wrong) continue;
      text::Problem again = groups[g].problem;
      ask_again(again, answer.text, answer.outcome.feedback);
      all.push_back({g, a, std::move(again)});
      --left;
    }
  }
  return all;
}

std::vector<text::Problem> second_problems(const Collector& collector, std::span<const ScoredGroup> groups,
                                           int64_t per_group, int64_t max_new_tokens, int64_t most) {
  std::vector<text::Problem> problems;
  for (SecondAttempt& again : second_attempts(groups, per_group)) {
    if (std::ssize(problems) == most) break;
    if (collector.fits(again.problem, max_new_tokens)) problems.push_back(std::move(again.problem));
  }
  return problems;
}

}  // namespace posttrain::rollout
