// A second attempt at problems whose answer could not even be run: the compiler's diagnostics stand in the new prompt
// (compiler feedback as in DeepSeek-Coder-V2, arXiv 2406.11931, section 3.5, given to the model instead of the reward).
#pragma once

#include <span>
#include <vector>

#include "rollout/collect.h"

namespace posttrain::rollout {

struct SecondAttempt {
  size_t group = 0, answer = 0;  // which answer it follows
  text::Problem
      problem;  // the same row; the prompt is old prompt, answer and feedback in turn, or the conversation goes on
};

// One for each of the first `per_group` wrong answers of a group that have feedback (rewards::Outcome::feedback).
std::vector<SecondAttempt> second_attempts(std::span<const ScoredGroup> groups, int64_t per_group);

// The problems of those whose longer prompt leaves the collector room for an answer, at most `most`.
std::vector<text::Problem> second_problems(const Collector& collector, std::span<const ScoredGroup> groups,
                                           int64_t per_group, int64_t max_new_tokens, int64_t most);

}  // namespace posttrain::rollout
