// What a run finds out about its data before the first step.
#pragma once

#include <string>
#include <vector>

#include "pipeline/asked_problems.h"
#include "pipeline/recipe/recipe.h"
#include "rewards/registry.h"

namespace posttrain::pipeline {

// What a stage asks of the recipe's task, in any order; [] for one that asks nothing.
std::vector<PromptUse> prompts_of(const StageSpec& stage);
// Whether a stage reads the split `valid`: a part of the training file is then held out where no file is named for it.
bool asks_valid(const Recipe& recipe);
tasks::HoldOut hold_out_of(const Recipe& recipe);

// Throws Error with file and line for the first row of the split that lacks what a reward of the recipe needs of it.
void check_gold(const text::Task& task, text::Split split, const rewards::RewardSet& rewards);

// Looks at every row of every split that a stage asks: it can be rendered, has what the rewards need, leaves room for
// an answer. Returns what should be said: "zero: 2 of 40 prompts are left out: ...". `max_positions(stage)` is the
// longest context of the stage's model. Throws Error for the first thing that can't be.
std::vector<std::string> check_data(const Recipe& recipe, const text::Task& task, const Renderer& renderer,
                                    const rewards::RewardSet& rewards,
                                    const std::function<int64_t(const StageSpec&)>& max_positions);

}  // namespace posttrain::pipeline
