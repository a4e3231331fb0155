#include "rewards/length.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace posttrain::rewards {

namespace {

double longest_of(int64_t setting, const Sample& sample, const char* where) {
  const int64_t longest = setting > 0 ? setting : sample.max_completion_tokens;
  if (longest <= 0) throw Error(where, "max_tokens", "a longest length", "none, and the sample has none either");
  return static_cast<double>(longest);
}

bool is_right(const Sample& sample, const char* where) {
  if (sample.correctness == nullptr) throw Error(where, "a part that judges correctness must stand beside it");
  return *sample.correctness == Verdict::right;
}

Score shaped(double value) {
  return {value, value >= 0 ? Verdict::right : Verdict::wrong, "", ""};
}

}  // namespace

Score OverlongReward::score(const Sample& sample) const {
  const double longest = longest_of(settings_.max_tokens, sample, "overlong");
  const auto length = static_cast<double>(sample.completion_tokens),
             cache = static_cast<double>(settings_.cache_tokens);
  if (length <= longest - cache) return shaped(0);
  return shaped(length > longest ? -1 : (longest - cache - length) / cache);
}

Score CosineReward::score(const Sample& sample) const {
  const double longest = longest_of(settings_.max_tokens, sample, "cosine");
  const double progress = std::min(1.0, static_cast<double>(sample.completion_tokens) / longest);
  const bool right = is_right(sample, "cosine");
  const double at_zero = right ? settings_.right_short : settings_.wrong_short;
  const double at_end = right ? settings_.right_long : settings_.wrong_long;
  return shaped(at_end + 0.5 * (at_zero - at_end) * (1 + std::cos(progress * std::numbers::pi)));
}

Score KimiLengthReward::score(const Sample& sample) const {
  if (sample.group_max_tokens <= 0) throw Error("kimi_length", "the lengths of the group are not known");
  if (sample.group_max_tokens == sample.group_min_tokens) return shaped(0);
  const double span = static_cast<double>(sample.group_max_tokens - sample.group_min_tokens);
  const double value = 0.5 - static_cast<double>(sample.completion_tokens - sample.group_min_tokens) / span;
  return shaped(is_right(sample, "kimi_length") ? value : std::min(0.0, value));
}

}  // namespace posttrain::rewards
