#include "rewards/exact.h"

#include <algorithm>

#include "base/letters.h"

namespace posttrain::rewards {

Score ExactReward::score(const Sample& sample) const {
  const auto found = settings_.tag.empty() ? std::optional(sample.completion) : first_inside(sample.completion, tag_);
  if (!found) return {0, Verdict::wrong, "no " + tag_.open, ""};
  const std::string_view given = trim(*found), gold = trim(sample.answer);
  const auto same = [&](char a, char b) {
    if (!settings_.ignore_case) return a == b;
    return lower_case(a) == lower_case(b);
  };
  if (!gold.empty() && std::ranges::equal(given, gold, same))
    return {1, Verdict::right, std::string(given), std::string(given)};
  return {0, Verdict::wrong, std::string(given), std::string(given)};
}

}  // namespace posttrain::rewards
