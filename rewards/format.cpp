#include "rewards/format.h"

namespace posttrain::rewards {

FormatReward::FormatReward(const Settings& settings)
    : settings_(settings), think_(TagPair::named(settings.think)), answer_(TagPair::named(settings.answer)) {}

Score FormatReward::score(const Sample& sample) const {
  const auto wrong = [](const char* why) { return Score{0, Verdict::wrong, why}; };
  if (sample.truncated) return wrong("truncated");
  std::string_view rest = settings_.allow_space ? trim(sample.completion) : sample.completion;
  for (const std::string& tag : {think_.open, think_.close, answer_.open, answer_.close}) {
    if (count_of(rest, tag) != 1) return wrong("each tag must stand exactly once");
  }
  if (!rest.starts_with(think_.open)) return wrong("does not start with the think block");
  if (!rest.ends_with(answer_.close)) return wrong("does not end with the answer block");
  const size_t think_end = rest.find(think_.close), answer_begin = rest.find(answer_.open);
  if (answer_begin < think_end) return wrong("the answer stands inside the think block");
  const size_t gap_begin = think_end + think_.close.size(), answer_text = answer_begin + answer_.open.size();
  const std::string_view gap = rest.substr(gap_begin, answer_begin - gap_begin);
  if (!(settings_.allow_space ? trim(gap) : gap).empty()) return wrong("text between the blocks");
  const std::string_view thought = rest.substr(think_.open.size(), think_end - think_.open.size());
  const std::string_view answer = rest.substr(answer_text, rest.size() - answer_.close.size() - answer_text);
  if (!settings_.allow_empty_think && is_blank(thought)) return wrong("empty think block");
  if (is_blank(answer)) return wrong("empty answer");
  return {1, Verdict::right, ""};
}

}  // namespace posttrain::rewards
