// Whether a recipe's rewards can tell right from wrong: they are tried on gold answers in the usual forms and on an
// empty answer.
#pragma once

#include <string>
#include <vector>

#include "pipeline/preflight/finding.h"
#include "pipeline/preflight/survey.h"

namespace posttrain::pipeline {

// Whether a reward compares with a row's gold answer.
bool reads_gold(const Recipe& recipe);

// The largest total that the rewards can give; infinity where a part has no bound that is known.
double largest_reward(const Recipe& recipe);

// `learnt`: texts that the stages learn from.
void check_rewards(Survey& survey, const std::string& learnt, std::vector<Finding>& findings);

}  // namespace posttrain::pipeline
