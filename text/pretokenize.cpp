#include "text/pretokenize.h"

#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/config_fields.h"
#include "text/pattern.h"
#include "text/scanners.h"

namespace posttrain {
namespace {

enum class Behaviour { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Behaviour behaviour_field(const Json& config, const std::string& where, Behaviour fallback) {
  if (!config.contains("behavior")) return fallback;
  const std::string name = string_field(config, "behavior", where);
  if (name == "Removed") return Behaviour::removed;
  if (name == "Isolated") return Behaviour::isolated;
  if (name == "MergedWithPrevious") return Behaviour::merged_with_previous;
  if (name == "MergedWithNext") return Behaviour::merged_with_next;
  if (name == "Contiguous") return Behaviour::contiguous;
  throw Error(where, "behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", name);
}

// A stretch of a word: what the pattern matched, or what lies between matches.
struct Stretch {
  Span span;
  bool is_match;
};

void append_stretches(const std::vector<Stretch>& stretches, Behaviour behaviour, std::vector<Span>& out) {
  bool was_match = false;
  const size_t first = out.size();
  const auto glue = [&](const Span& span, bool to_last) {
    if (to_last && out.size() > first) {
      out.back() = {std::min(out.back().begin, span.begin), std::max(out.back().end, span.end)};
    } else {
      out.push_back(span);
    }
  };
  switch (behaviour) {
    case Behaviour::removed:
      for (const auto& [span, is_match] : stretches) {
        if (!is_match) out.push_back(span);
      }
      break;
    case Behaviour::isolated:
      for (const auto& stretch : stretches) out.push_back(stretch.span);
      break;
    case Behaviour::contiguous:
      for (const auto& [span, is_match] : stretches) {
        glue(span, is_match == was_match);
        was_match = is_match;
      }
      break;
    case Behaviour::merged_with_previous:
      for (const auto& [span, is_match] : stretches) {
        glue(span, is_match && !was_match);
        was_match = is_match;
      }
      break;
    case Behaviour::merged_with_next:
      for (size_t i = stretches.size(); i-- > 0;) {
        glue(stretches[i].span, stretches[i].is_match && !was_match);
        was_match = stretches[i].is_match;
      }
      std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
      break;
  }
}

void split(Words& words, const Pattern& pattern, Behaviour behaviour, bool invert = false) {
  words.scratch.clear();
  std::vector<Stretch> stretches;
  for (const Span& word : words.spans) {
    words.matches.clear();
    pattern(words.word(word), words.matches);
    uint32_t at = word.begin;
    stretches.clear();
    const auto put = [&](Span span, bool is_match) {
      if (span.end == span.begin) return;
      if (behaviour == Behaviour::isolated) {
        words.scratch.push_back(span);
      } else {
        stretches.push_back({span, is_match != invert});
      }
    };
    for (const Span& match : words.matches) {
      put({at, word.begin + match.begin}, false);
      put({word.begin + match.begin, word.begin + match.end}, true);
      at = word.begin + match.end;
    }
    put({at, word.end}, false);
    if (behaviour != Behaviour::isolated) append_stretches(stretches, behaviour, words.scratch);
  }
  words.spans.swap(words.scratch);
}

// Replaces each word by rewrite(word, begins_the_text) and keeps the boundaries.
template <class Rewrite>
void rewrite_words(Words& words, const Rewrite& rewrite) {
  std::string text;
  for (size_t i = 0; i < words.spans.size(); ++i) {
    const auto begin = static_cast<uint32_t>(text.size());
    text += rewrite(words.word(words.spans[i]), words.spans[i].begin == 0);
    words.spans[i] = {begin, static_cast<uint32_t>(text.size())};
  }
  words.owned = std::move(text);
  words.text = words.owned;
}

class Splitter final : public PreTokenizer {
 public:
  Splitter(Pattern pattern, Behaviour behaviour, bool invert = false)
      : pattern_(std::move(pattern)), behaviour_(behaviour), invert_(invert) {}
  void apply(Words& words) const override { split(words, pattern_, behaviour_, invert_); }

 private:
  Pattern pattern_;
  Behaviour behaviour_;
  bool invert_;
};

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex, bool leave_bytes)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex), leave_bytes_(leave_bytes) {}
  void apply(Words& words) const override {
    if (add_prefix_space_) {
      rewrite_words(words, [](std::string_view word, bool) {
        return word.starts_with(' ') ? std::string(word) : ' ' + std::string(word);
      });
    }
    if (use_regex_) split(words, scan_gpt2, Behaviour::isolated);
    if (!leave_bytes_) {
      rewrite_words(words, [](std::string_view word, bool) { return bytes_to_chars(word); });
    }
  }

 private:
  bool add_prefix_space_, use_regex_, leave_bytes_;
};

class Metaspace final : public PreTokenizer {
 public:
  enum class Prepend { always, first, never };
  Metaspace(std::string replacement, Prepend prepend, bool cut)
      : replacement_(std::move(replacement)), prepend_(prepend), cut_(cut) {}
  void apply(Words& words) const override {
    rewrite_words(words, [&](std::string_view word, bool is_first) {
      std::string out;
      for (const char c : word) c == ' ' ? out += replacement_ : out += c;
      const bool wanted = prepend_ == Prepend::always || (prepend_ == Prepend::first && is_first && words.at_start);
      return wanted && !out.starts_with(replacement_) ? replacement_ + out : out;
    });
    if (cut_) split(words, literal_pattern(replacement_), Behaviour::merged_with_next);
  }

 private:
  std::string replacement_;
  Prepend prepend_;
  bool cut_;
};

class PreTokenizerSequence final : public PreTokenizer {
 public:
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  void apply(Words& words) const override {
    for (const auto& part : parts) part->apply(words);
  }
};

std::unique_ptr<PreTokenizer> make_metaspace(const Json& config, const std::string& where) {
  const std::string scheme = string_field(config, "prepend_scheme", where,
                                          bool_field(config, "add_prefix_space", true, where) ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    throw Error(where, "prepend_scheme", "always, first or never", scheme);
  }
  const auto prepend = scheme == "always"  ? Metaspace::Prepend::always
                       : scheme == "first" ? Metaspace::Prepend::first
                                           : Metaspace::Prepend::never;
  return std::make_unique<Metaspace>(string_field(config, "replacement", where, "\u2581"), prepend,
                                     bool_field(config, "split", true, where));
}

bool is_space_char(char32_t c) {
  return char_class(c) & kSpace;
}
bool is_number(char32_t c) {
  return char_class(c) & kNumber;
}
bool is_punctuation(char32_t c) {
  const bool ascii = c > 0x20 && c < 0x7F && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  return ascii || (char_class(c) & kPunctuation);
}

// \w+|[^\w\s]+
void words_and_signs(std::string_view text, std::vector<Span>& matches) {
  const auto kind = [&](size_t at) {
    const char32_t code = utf8_at(text, at).code;
    return is_word_char(code) ? 2 : is_space_char(code) ? 0 : 1;
  };
  for (size_t at = 0; at < text.size();) {
    const int here = kind(at);
    size_t end = at;
    while (end < text.size() && kind(end) == here) end += utf8_length(text[end]);
    if (here > 0) matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end;
  }
}

std::unique_ptr<PreTokenizer> make_sequence(const Json& config, const std::string& where, bool may_leave_bytes,
                                            bool& leaves_bytes) {
  auto sequence = std::make_unique<PreTokenizerSequence>();
  const Json& parts = array_field(config, "pretokenizers", where);
  for (size_t i = 0; i < parts.size(); ++i) {
    auto part = make_pre_tokenizer(parts[i], where + ".pretokenizers[" + std::to_string(i) + "]",
                                   may_leave_bytes && i + 1 == parts.size(), leaves_bytes);
    if (part) sequence->parts.push_back(std::move(part));
  }
  return sequence;
}

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const Json& config, const std::string& where, bool may_leave_bytes,
                                                 bool& leaves_bytes) {
  if (config.is_null()) return nullptr;
  const auto splitter = [](Pattern pattern, Behaviour behaviour, bool invert = false) {
    return std::make_unique<Splitter>(std::move(pattern), behaviour, invert);
  };
  const std::string type = component_type(config, where);
  if (type == "Sequence") return make_sequence(config, where, may_leave_bytes, leaves_bytes);
  if (type == "ByteLevel") {
    leaves_bytes = may_leave_bytes;
    return std::make_unique<ByteLevel>(bool_field(config, "add_prefix_space", true, where),
                                       bool_field(config, "use_regex", true, where), may_leave_bytes);
  }
  if (type == "Split") {
    return splitter(make_pattern(config.value("pattern", Json()), where + ".pattern"),
                    behaviour_field(config, where, Behaviour::isolated), bool_field(config, "invert", false, where));
  }
  if (type == "Digits") {
    const bool each = bool_field(config, "individual_digits", false, where);
    return splitter(char_pattern(is_number), each ? Behaviour::isolated : Behaviour::contiguous);
  }
  if (type == "Punctuation") {
    return splitter(char_pattern(is_punctuation), behaviour_field(config, where, Behaviour::isolated));
  }
  if (type == "Metaspace") return make_metaspace(config, where);
  if (type == "WhitespaceSplit") return splitter(char_pattern(is_space_char), Behaviour::removed);
  if (type == "Whitespace") return splitter(words_and_signs, Behaviour::removed, true);
  if (type == "CharDelimiterSplit") {
    return splitter(literal_pattern(string_field(config, "delimiter", where)), Behaviour::removed);
  }
  if (type == "BertPreTokenizer") {
    auto sequence = std::make_unique<PreTokenizerSequence>();
    sequence->parts.push_back(splitter(char_pattern(is_space_char), Behaviour::removed));
    sequence->parts.push_back(splitter(char_pattern(is_punctuation), Behaviour::isolated));
    return sequence;
  }
  throw Error(where, "type",
              "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, Punctuation, Sequence, Split, "
              "Whitespace or WhitespaceSplit",
              type);
}

}  // namespace posttrain
