#include "text/scanners.h"

#include <algorithm>
#include <cstring>

#include "base/letters.h"
#include "base/unicode.h"
#include "base/utf8.h"

namespace posttrain {
namespace {

// A place in the text: the class and the length of the character there (class 0 and length 0 at the end).
struct Cursor {
  std::string_view text;

  bool at_end(size_t at) const { return at >= text.size(); }
  uint32_t length(size_t at) const { return at < text.size() ? utf8_length(text[at]) : 0; }
  uint32_t char_class(size_t at) const {
    if (at >= text.size()) return 0;
    const auto byte = static_cast<unsigned char>(text[at]);
    return posttrain::char_class(byte < 0x80 ? byte : utf8_at(text, at).code);
  }
  // The first place from `at` on whose character has none of the classes in `any`; at most `limit` characters on.
  size_t skip(size_t at, uint32_t any, size_t limit = SIZE_MAX) const {
    for (size_t i = 0; i < limit && (char_class(at) & any); ++i) at += length(at);
    return at;
  }
  // As skip(), over characters with none of the classes.
  size_t skip_not(size_t at, uint32_t none) const {
    while (!at_end(at) && !(char_class(at) & none)) at += length(at);
    return at;
  }
  size_t skip_newlines(size_t at) const {
    while (!at_end(at) && (text[at] == '\r' || text[at] == '\n')) ++at;
    return at;
  }
};

// 's 't 're 've 'm 'll 'd: the end of the contraction at `at`, or `at`.
size_t contraction(std::string_view text, size_t at, bool any_case) {
  if (text[at] != '\'' || at + 1 >= text.size()) return at;
  const auto letter = [&](size_t i) -> char {
    if (i >= text.size()) return 0;
    return any_case ? lower_case(text[i]) : text[i];
  };
  const char first = letter(at + 1), second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l')) {
    return at + 3;
  }
  // U+017F, the long s, is an 's' when case does not count.
  if (any_case && text.substr(at + 1, 2) == "\xC5\xBF") return at + 3;
  return at;
}

// \s+(?!\S)|\s+ on the run of white space [at, end): all of it at the end of the text or when it is one character,
// else all but the last character, which then goes with the next word.
size_t space_run(const Cursor& c, size_t at, size_t end) {
  if (c.at_end(end)) return end;
  size_t last = end - 1;
  while ((static_cast<unsigned char>(c.text[last]) & 0xC0) == 0x80) --last;
  return last > at ? last : end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ at white space.
size_t space_or_newlines(const Cursor& c, size_t at) {
  const size_t end = c.skip(at, kSpace);
  for (size_t i = end; i > at; --i) {
    if (c.text[i - 1] == '\n' || c.text[i - 1] == '\r') return i;
  }
  return space_run(c, at, end);
}

// Llama-3 and Qwen differ only in how many digits go together.
template <size_t digits>
void scan_llama(std::string_view text, std::vector<Span>& matches) {
  const Cursor c{text};
  for (size_t at = 0; at < text.size();) {
    const uint32_t here = c.char_class(at);
    size_t end = contraction(text, at, true);
    if (end == at && (here & kLetter)) {
      end = c.skip(at, kLetter);
    } else if (end == at && !(here & (kNumber | kNewline))) {
      const size_t next = at + c.length(at);
      if (c.char_class(next) & kLetter) end = c.skip(next, kLetter);
    }
    if (end == at && (here & kNumber)) end = c.skip(at, kNumber, digits);
    if (end == at) {
      constexpr uint32_t kNot = kSpace | kLetter | kNumber;
      const size_t start = text[at] == ' ' ? at + 1 : at;
      const size_t stop = c.skip_not(start, kNot);
      if (stop > start) {
        end = c.skip_newlines(stop);
      } else {
        end = space_or_newlines(c, at);
      }
    }
    matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end;
  }
}

// \p{N}{1,3}
void scan_three_digits(std::string_view text, std::vector<Span>& matches) {
  const Cursor c{text};
  for (size_t at = 0; at < text.size();) {
    const size_t end = c.skip(at, kNumber, 3);
    if (end > at) matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end > at ? end : at + c.length(at);
  }
}

// [\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+
void scan_cjk(std::string_view text, std::vector<Span>& matches) {
  const auto inside = [&](size_t at) {
    if (static_cast<unsigned char>(text[at]) < 0xE3) return false;
    const char32_t code = utf8_at(text, at).code;
    return (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && inside(end)) end += utf8_length(text[end]);
    if (end > at) matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end > at ? end : at + utf8_length(text[at]);
  }
}

bool ascii_punctuation(char c) {
  return c > ' ' && c < 127 && !is_letter_or_digit(c);
}

// DeepSeek-V3's third pattern; characters that it leaves out (controls, unassigned ones) are nobody's match.
void scan_deepseek(std::string_view text, std::vector<Span>& matches) {
  const Cursor c{text};
  constexpr uint32_t kWord = kLetter | kMark, kSigns = kPunctuation | kSymbol;
  for (size_t at = 0; at < text.size();) {
    const uint32_t here = c.char_class(at);
    const size_t next = at + c.length(at);
    size_t end = at;
    if (ascii_punctuation(text[at]) && next < text.size() && is_letter(text[next])) {
      end = next;
      while (end < text.size() && is_letter(text[end])) ++end;
    } else if (here & kWord) {
      end = c.skip(at, kWord);
    } else if (!(here & (kNewline | kSigns)) && (c.char_class(next) & kWord)) {
      end = c.skip(next, kWord);
    } else {
      const size_t start = text[at] == ' ' ? at + 1 : at;
      const size_t stop = c.skip(start, kSigns);
      if (stop > start) {
        end = c.skip_newlines(stop);
      } else if (here & kSpace) {
        end = space_or_newlines(c, at);
      }
    }
    if (end > at) matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end > at ? end : next;
  }
}

}  // namespace

void scan_gpt2(std::string_view text, std::vector<Span>& matches) {
  const Cursor c{text};
  constexpr uint32_t kNot = kSpace | kLetter | kNumber;
  for (size_t at = 0; at < text.size();) {
    size_t end = contraction(text, at, false);
    if (end == at) {
      const size_t start = text[at] == ' ' ? at + 1 : at;
      const uint32_t first = c.char_class(start);
      if (first & kLetter) {
        end = c.skip(start, kLetter);
      } else if (first & kNumber) {
        end = c.skip(start, kNumber);
      } else if (!c.at_end(start) && !(first & kSpace)) {
        end = c.skip_not(start, kNot);
      } else {
        end = space_run(c, at, c.skip(at, kSpace));
      }
    }
    matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end;
  }
}

Scanner known_scanner(std::string_view pattern) {
  struct Known {
    std::string_view pattern;
    Scanner scan;
  };
  static constexpr Known kKnown[] = {
      {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", scan_gpt2},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       scan_llama<3>},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       scan_llama<1>},
      {R"(\p{N}{1,3})", scan_three_digits},
      {"[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", scan_cjk},
      {"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
       "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
       scan_deepseek},
  };
  const auto* known = std::ranges::find(kKnown, pattern, &Known::pattern);
  return known == std::end(kKnown) ? nullptr : known->scan;
}

}  // namespace posttrain
