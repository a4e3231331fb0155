#include "text/added_tokens.h"

#include <algorithm>

#include "base/unicode.h"
#include "base/utf8.h"

namespace posttrain {
namespace {

size_t previous_char(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool is_space_at(std::string_view text, size_t at) {
  return char_class(utf8_at(text, at).code) & kSpace;
}

}  // namespace

void AddedTokens::add(const AddedToken& token, std::string_view normalized_content) {
  by_id_[token.id] = token;
  by_content_[token.content] = token.id;
  (token.normalized ? normalized_ : raw_).add(token.normalized ? normalized_content : token.content, token.id);
}

const AddedToken* AddedTokens::find(int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

std::optional<int32_t> AddedTokens::find(std::string_view content) const {
  const auto found = by_content_.find(content);
  if (found == by_content_.end()) return std::nullopt;
  return found->second;
}

bool AddedTokens::is_special(std::string_view content) const {
  const auto id = find(content);
  return id && find(*id)->special;
}

void AddedTokens::split(std::string_view text, bool normalized, const Part& part) const {
  const ByteTrie& trie = normalized ? normalized_ : raw_;
  if (trie.empty()) {
    if (!text.empty()) part(text, -1);
    return;
  }
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    if (!trie.may_start(text[at])) {
      ++at;
      continue;
    }
    size_t length = 0;
    int32_t id = -1;
    trie.prefixes(text.substr(at), [&](size_t bytes, int32_t value) { length = bytes, id = value; });
    if (id < 0) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + length;
    at = end;
    const AddedToken& token = *find(id);
    if (token.single_word) {
      const bool free_left = begin == 0 || !is_word_char(utf8_at(text, previous_char(text, begin)).code);
      const bool free_right = end == text.size() || !is_word_char(utf8_at(text, end).code);
      if (!free_left || !free_right) continue;
    }
    if (token.lstrip) {
      while (begin > done && is_space_at(text, previous_char(text, begin))) begin = previous_char(text, begin);
    }
    if (token.rstrip) {
      while (end < text.size() && is_space_at(text, end)) end += utf8_length(text[end]);
    }
    begin = std::max(begin, done);
    if (begin > done) part(text.substr(done, begin - done), -1);
    part(text.substr(begin, end - begin), id);
    done = end;
    at = std::max(at, end);
  }
  if (done < text.size()) part(text.substr(done), -1);
}

}  // namespace posttrain
