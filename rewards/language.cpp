#include "rewards/language.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/error.h"
#include "base/letters.h"
#include "base/utf8.h"
#include "rewards/tags.h"

namespace posttrain::rewards {

struct Script {
  const char* language;
  std::array<std::pair<uint32_t, uint32_t>, 4> ranges;  // of code points, inclusive
  const char* extra;                                    // further letters, UTF-8
};

namespace {

constexpr std::pair<uint32_t, uint32_t> upper{'A', 'Z'}, lower{'a', 'z'}, none{1, 0};

constexpr Script scripts[] = {
    {"en", {upper, lower, none, none}, ""},
    {"de", {upper, lower, none, none}, "äöüßÄÖÜ"},
    {"fr", {upper, lower, none, none}, "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜ"},
    {"es", {upper, lower, none, none}, "áéíñóúüÁÉÍÑÓÚÜ"},
    {"it", {upper, lower, none, none}, "àèéìíòóùúÀÈÉÌÒÙ"},
    {"pt", {upper, lower, none, none}, "áâãàçéêíóôõúÁÂÃÀÇÉÊÍÓÔÕÚ"},
    {"zh", {{{0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x20000, 0x2FA1F}, none}}, ""},
    {"ja", {{{0x3040, 0x30FF}, {0x4E00, 0x9FFF}, {0x31F0, 0x31FF}, none}}, ""},
    {"ko", {{{0xAC00, 0xD7AF}, {0x1100, 0x11FF}, {0x3130, 0x318F}, none}}, ""},
    {"ru", {{{0x0400, 0x04FF}, none, none, none}}, ""},
    {"el", {{{0x0370, 0x03FF}, {0x1F00, 0x1FFF}, none, none}}, ""},
    {"ar", {{{0x0600, 0x06FF}, {0x0750, 0x077F}, {0xFB50, 0xFEFF}, none}}, ""},
    {"he", {{{0x0590, 0x05FF}, none, none, none}}, ""},
    {"hi", {{{0x0900, 0x097F}, none, none, none}}, ""},
    {"th", {{{0x0E00, 0x0E7F}, none, none, none}}, ""},
};

// The code point at `at`, moving behind it; what is no UTF-8 is U+FFFD.
uint32_t next_code(std::string_view text, size_t& at) {
  const Utf8Step step = utf8_at(text, at);
  at += step.length;
  return step.code;
}

bool is_letter_of_any_script(uint32_t code) {
  if (code < 0x80) return is_letter(static_cast<char>(code));
  const bool sign = (code >= 0x2000 && code < 0x2C00) || (code >= 0x3000 && code < 0x3040) || code < 0xC0 ||
                    code == 0xD7 || code == 0xF7 || (code >= 0xFF00 && code < 0xFF66) || code >= 0x1F000 ||
                    code == 0xFFFD;
  return !sign || (code >= 0x20000 && code < 0x30000);
}

// Scripts without spaces: each character is a word.
bool is_word_alone(uint32_t code) {
  return (code >= 0x3040 && code <= 0x30FF) || (code >= 0x3400 && code <= 0x9FFF) || code >= 0x20000;
}

bool belongs(const Script& script, uint32_t code) {
  for (const auto& [low, high] : script.ranges) {
    if (code >= low && code <= high) return true;
  }
  const std::string_view extra = script.extra;
  for (size_t at = 0; at < extra.size();) {
    if (next_code(extra, at) == code) return true;
  }
  return false;
}

}  // namespace

void LanguageReward::Settings::visit(Visitor& v) {
  Doc doc{.doc = "The target language"};
  for (const Script& script : scripts) doc.choices.emplace_back(script.language);
  v("language", language, doc);
  v("inside", inside, {.doc = "Look only inside this tag, such as think; empty: the whole completion"});
}

LanguageReward::LanguageReward(const Settings& settings) : settings_(settings), script_(nullptr) {
  for (const Script& script : scripts) {
    if (settings.language == script.language) script_ = &script;
  }
  if (script_ == nullptr) throw Error("language", "language", "a language with a known script", settings.language);
}

Score LanguageReward::score(const Sample& sample) const {
  std::string_view text = sample.completion;
  if (!settings_.inside.empty()) text = first_inside(text, TagPair::named(settings_.inside)).value_or("");
  int64_t words = 0, target = 0;
  bool in_word = false, all_target = true;
  const auto finish = [&] {
    if (!in_word) return;
    ++words;
    target += all_target ? 1 : 0;
    in_word = false;
    all_target = true;
  };
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\\' || text[at] == '<') {  // a command of LaTeX, a tag
      const bool tag = text[at] == '<';
      size_t end = at + 1;
      if (tag && end < text.size() && text[end] == '/') ++end;
      while (end < text.size() && is_letter(text[end])) ++end;
      if (!tag || (end > at + 1 && end < text.size() && text[end] == '>')) {
        finish();
        at = end;
        continue;
      }
    }
    const uint32_t code = next_code(text, at);
    if (!is_letter_of_any_script(code)) {
      finish();
      continue;
    }
    if (is_word_alone(code)) finish();
    in_word = true;
    all_target = all_target && belongs(*script_, code);
    if (is_word_alone(code)) finish();
  }
  finish();
  const double share = words == 0 ? 0 : static_cast<double>(target) / static_cast<double>(words);
  char detail[64];
  std::snprintf(detail, sizeof detail, "%lld of %lld words", static_cast<long long>(target),
                static_cast<long long>(words));
  return {share, share == 1 ? Verdict::right : Verdict::wrong, detail, ""};
}

}  // namespace posttrain::rewards
