#include "rewards/choice.h"

#include "base/error.h"
#include "rewards/math/choice.h"
#include "rewards/math/extract.h"
#include "rewards/math/normalize.h"
#include "rewards/tags.h"

namespace posttrain::rewards {

Score ChoiceReward::score(const Sample& sample) const {
  bool whole = false;
  const auto gold = math::choice_letter(math::normalize(sample.answer), whole);
  if (!gold) throw Error("choice", "answer", "a letter from A to J", std::string(sample.answer));
  const math::Policy policy = settings_.answer_in == "box" ? math::Policy::box : math::Policy::marked;
  const math::Answer found = math::extract_answer(sample.completion, policy);
  std::string given = found.found ? found.raw : "";
  if (!found.found && settings_.answer_in == "anywhere") given = trim(sample.completion);
  const auto letter = math::choice_letter(math::normalize(given), whole);
  if (!letter) return {0, Verdict::wrong, "no letter", ""};
  const bool right = *letter == *gold;
  return {right ? 1.0 : 0.0, right ? Verdict::right : Verdict::wrong, std::string(1, *letter), std::string(1, *letter)};
}

}  // namespace posttrain::rewards
