#include "rewards/pattern.h"

#include <vector>

namespace posttrain::rewards {

PatternReward::PatternReward(const Settings& settings) : regex_(settings.pattern, "rewards.pattern") {}

Score PatternReward::score(const Sample& sample) const {
  std::vector<Span> matches;
  regex_.find_all(sample.completion, matches);
  if (matches.empty()) return {0, Verdict::wrong, "not found", ""};
  return {1, Verdict::right, "", ""};
}

}  // namespace posttrain::rewards
