#include "rewards/repetition.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/letters.h"

namespace posttrain::rewards {

Score RepetitionReward::score(const Sample& sample) const {
  std::string text = lower_case(sample.completion);
  std::ranges::replace_if(text, is_space, ' ');
  // One space between words, so that an n-gram is a piece of the text.
  text.erase(std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; }), text.end());
  if (text.starts_with(' ')) text.erase(0, 1);
  if (!text.ends_with(' ')) text += ' ';
  std::vector<size_t> starts, ends;
  for (size_t at = 0; at < text.size() && text[at] != ' ';) {
    const size_t end = text.find(' ', at);
    starts.push_back(at);
    ends.push_back(end);
    at = end + 1;
  }
  const auto n = static_cast<size_t>(settings_.ngram);
  if (starts.size() < n) return {0, Verdict::right, "", ""};
  std::unordered_set<std::string_view> distinct;
  const size_t total = starts.size() - n + 1;
  for (size_t i = 0; i < total; ++i) {
    distinct.insert(std::string_view(text).substr(starts[i], ends[i + n - 1] - starts[i]));
  }
  const double repeated = 1 - static_cast<double>(distinct.size()) / static_cast<double>(total);
  return {repeated == 0 ? 0 : settings_.max_penalty * repeated, repeated == 0 ? Verdict::right : Verdict::wrong, "",
          ""};
}

}  // namespace posttrain::rewards
