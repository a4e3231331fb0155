#include "rewards/math_reward.h"

namespace posttrain::rewards {

MathReward::MathReward(const Settings& settings) {
  options_.policy = settings.answer_in == "box"      ? mathcheck::Policy::box
                    : settings.answer_in == "marked" ? mathcheck::Policy::marked
                                                     : mathcheck::Policy::lenient;
  options_.steps = settings.steps;
  options_.think = settings.think.think;
  options_.form = settings.form;
}

Score MathReward::score(const Sample& sample) const {
  const mathcheck::CheckResult result = mathcheck::check(sample.answer, sample.completion, options_);
  std::string detail = result.method;
  if (!result.pred_parsed.empty()) detail += ": " + result.pred_parsed;
  return {result.verdict == Verdict::right ? 1.0 : 0.0, result.verdict, std::move(detail), result.pred_parsed};
}

}  // namespace posttrain::rewards
