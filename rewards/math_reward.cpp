#include "rewards/math_reward.h"

namespace posttrain::rewards {

MathReward::MathReward(const Settings& settings) {
  options_.policy = settings.answer_in == "box"      ? mathcheck::Policy::box
                    : settings.answer_in == "marked" ? mathcheck::Policy::marked
                                                     : mathcheck::Policy::lenient;
  options_.steps = settings.steps;
  options_.think = settings.think.value();
  options_.form = settings.form == "evaluated" ? mathcheck::Form::evaluated
                  : settings.form == "as_gold" ? mathcheck::Form::as_gold
                                               : mathcheck::Form::any;
}

Score MathReward::score(const Sample& sample) const {
  const mathcheck::CheckResult result = mathcheck::check(sample.answer, sample.completion, options_);
  std::string detail = result.method;
  if (!result.pred_parsed.empty()) detail += ": " + result.pred_parsed;
  return {result.verdict == Verdict::right ? 1.0 : 0.0, result.verdict, std::move(detail), result.pred_parsed};
}

}  // namespace posttrain::rewards
