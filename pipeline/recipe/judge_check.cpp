#include "pipeline/recipe/judge_check.h"

#include <algorithm>

namespace posttrain::pipeline {
namespace {

bool is_outside(const rewards::RewardSpec& spec) {
  return rewards::find_reward(spec.reward.type())->outside;
}

}  // namespace

std::vector<Problem> probe_judges(const Recipe& recipe, const text::Problem& problem) {
  rewards::Sample sample{.prompt = problem.prompt, .completion = problem.answer, .answer = problem.answer};
  sample.extra = problem.extra.is_null() ? nullptr : &problem.extra;
  sample.split = "probe";
  std::vector<Problem> problems;
  for (size_t i = 0; i < recipe.rewards.size(); ++i) {
    if (!is_outside(recipe.rewards[i])) continue;
    const rewards::RewardSet alone({recipe.rewards[i]}, model_reward_names(recipe));
    for (Problem& found : alone.probe(sample)) {
      found.path = "rewards[" + std::to_string(i) + "]" + found.path.substr(found.path.find(']') + 1);
      problems.push_back(std::move(found));
    }
  }
  return problems;
}

void check_judges(const Recipe& recipe) {
  if (std::ranges::none_of(recipe.rewards, is_outside)) return;
  const auto task = tasks::make_task(recipe.task.settings);
  auto problems = probe_judges(recipe, task->problem(text::Split::train, 0, 0));
  if (!problems.empty()) throw Problems(std::move(problems));
}

}  // namespace posttrain::pipeline
