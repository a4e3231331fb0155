#include "rewards/repetition.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/letters.h"
#include "base/utf8.h"

namespace posttrain::rewards {

namespace {

constexpr size_t longest_word = 40;  // bytes

}  // namespace

Score RepetitionReward::score(const Sample& sample) const {
  std::string text = lower_case(sample.completion);
  std::ranges::replace_if(text, is_space, ' ');
  for (const std::string_view blank : {"\u00a0", "\u2009", "\u202f", "\u3000"}) {
    for (size_t at = text.find(blank); at != std::string::npos; at = text.find(blank, at))
      text.replace(at, blank.size(), " ");
  }
  // One space between words, so that an n-gram is a piece of the text.
  text.erase(std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; }), text.end());
  if (text.starts_with(' ')) text.erase(0, 1);
  if (!text.ends_with(' ')) text += ' ';
  std::vector<size_t> starts, ends;
  for (size_t at = 0; at < text.size() && text[at] != ' ';) {
    const size_t end = text.find(' ', at);
    // Without blanks there are no words: then each character counts.
    const bool unbroken = end - at > longest_word || static_cast<unsigned char>(text[at]) >= 0xE3;
    for (size_t from = at; from < end;) {
      const size_t length = unbroken ? utf8_at(text, from).length : end - from;
      starts.push_back(from);
      ends.push_back(from + length);
      from += length;
    }
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
