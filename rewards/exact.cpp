#include "rewards/exact.h"

#include "base/unicode.h"

namespace posttrain::rewards {

Score ExactReward::score(const Sample& sample) const {
  const auto said = mathcheck::behind_thought(sample.completion, settings_.think.think);
  if (!said) return {0, Verdict::wrong, "an unfinished thought", ""};
  const auto found = settings_.tag.empty() ? said : last_inside(*said, tag_);
  if (!found) return {0, Verdict::wrong, "no " + tag_.open, ""};
  const std::string_view given = trim(*found), gold = trim(sample.answer);
  const bool same = settings_.ignore_case ? lowercase(given) == lowercase(gold) : given == gold;
  if (!gold.empty() && same) return {1, Verdict::right, std::string(given), std::string(given)};
  return {0, Verdict::wrong, std::string(given), std::string(given)};
}

}  // namespace posttrain::rewards
