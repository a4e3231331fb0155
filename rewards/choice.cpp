#include "rewards/choice.h"

#include "base/error.h"
#include "mathcheck/choice.h"
#include "mathcheck/extract.h"
#include "mathcheck/normalize.h"
#include "rewards/tags.h"

namespace posttrain::rewards {

Lack ChoiceReward::missing(const Sample& sample) const {
  bool whole = false;
  const bool given = mathcheck::choice_letter(mathcheck::normalize(sample.answer), whole).has_value();
  return given ? std::nullopt : Lack("a gold letter from A to J");
}

Score ChoiceReward::score(const Sample& sample) const {
  bool whole = false;
  const auto gold = mathcheck::choice_letter(mathcheck::normalize(sample.answer), whole);
  if (!gold) throw Error("choice", "answer", "a letter from A to J", std::string(sample.answer));
  const mathcheck::Policy policy = settings_.answer_in == "box" ? mathcheck::Policy::box : mathcheck::Policy::marked;
  const mathcheck::Think think = settings_.think.think;
  const auto said = mathcheck::behind_thought(sample.completion, think);
  if (!said) return {0, Verdict::wrong, "an unfinished thought", ""};
  const mathcheck::Answer found = mathcheck::extract_answer(*said, policy, mathcheck::Think::off);
  std::string given = found.found ? found.raw : "";
  if (!found.found && settings_.answer_in == "anywhere") given = trim(*said);
  auto letter = mathcheck::choice_letter(mathcheck::normalize(given), whole);
  // "The best answer is B because A is wrong", 故选：B: a decision in words.
  if (!letter && policy != mathcheck::Policy::box) letter = mathcheck::stated_choice(*said);
  if (!letter) return {0, Verdict::wrong, "no letter", ""};
  const bool right = *letter == *gold;
  return {right ? 1.0 : 0.0, right ? Verdict::right : Verdict::wrong, std::string(1, *letter), std::string(1, *letter)};
}

}  // namespace posttrain::rewards
