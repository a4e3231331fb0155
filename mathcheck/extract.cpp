#include "mathcheck/extract.h"

#include <algorithm>

#include "base/letters.h"
#include "mathcheck/boxes.h"
#include "mathcheck/changers.h"
#include "mathcheck/prose.h"

namespace posttrain::mathcheck {

namespace {

constexpr size_t marker_window = 12'000;  // markers and last expressions are looked for this near the end

std::string_view skip(std::string_view text, std::string_view set) {
  const size_t at = text.find_first_not_of(set);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at);
}

// Colons and copulas behind a marker's word; the length taken, npos when none is there.
size_t link_length(std::string_view text) {
  const std::string_view rest = skip(text, " *_`\"'\t)");
  const size_t skipped = text.size() - rest.size();
  for (const std::string_view link : {":",  "：", "->", "=>",      "→",    "– ",  "— ", "- ",   "=",  "是",  "为", "為",
                                      "は", "은", "는", "lautet ", "est ", "es ", "è ", "ist ", "é ", "is:", "is "}) {
    if (rest.starts_with(link)) return skipped + link.size();
  }
  return std::string_view::npos;
}

// English: "answer: 5", "the answer to the question is 5", and "Answer" alone at the start of a line.
size_t english_marker(std::string_view lowered, size_t at, size_t word) {
  const std::string_view after = lowered.substr(at + word);
  if (!after.empty() && is_letter(after[0])) return std::string_view::npos;
  if (at > 0 && is_letter(lowered[at - 1])) return std::string_view::npos;
  if (const size_t link = link_length(after); link != std::string_view::npos) {
    return at + word + link;
  }
  for (size_t i = 0; i < std::min<size_t>(after.size(), 80); ++i) {
    if (std::string_view(".!?;\n:=").find(after[i]) != std::string_view::npos) break;
    for (const std::string_view verb : {" is ", " is:", " is\n", " are ", " be ", " was "}) {
      if (!after.substr(i).starts_with(verb)) continue;
      return denies(after.substr(0, i)) ? at + word : at + word + i + verb.size();  // "cannot be" is read as a whole
    }
  }
  size_t line = at;
  while (line > 0 && std::string_view(" *_#`").find(lowered[line - 1]) != std::string_view::npos) --line;
  const bool starts_line = line == 0 || lowered[line - 1] == '\n';
  const std::string_view rest = skip(after, " *_`");
  if (starts_line &&
      (rest.starts_with('\n') || (!rest.empty() && (is_digit(rest[0]) || rest[0] == '$' || rest[0] == '\\')))) {
    return at + word;
  }
  return std::string_view::npos;
}

// Where the text behind the last marker begins; npos when there is no marker with something behind it.
size_t last_marker(std::string_view text) {
  const std::string lowered = lower_case(text);
  const std::string_view low = lowered;
  size_t best = std::string_view::npos;
  const auto consider = [&](size_t begin) {
    if (begin == std::string_view::npos || skip(text.substr(begin), " \n\t*_`:.$").empty()) return;
    if (best == std::string_view::npos || begin > best) best = begin;
  };
  if (const size_t at = low.rfind("####"); at != std::string_view::npos) consider(at + 4);
  if (const size_t at = low.rfind("<answer>"); at != std::string_view::npos) consider(at + 8);
  for (const std::string_view word : {"answer", "option", "choice", "answers"}) {
    int tries = 0;
    for (size_t at = low.rfind(word); at != std::string_view::npos && tries < 40; ++tries) {
      const size_t begin = english_marker(low, at, word.size());
      consider(begin);
      if (begin != std::string_view::npos && !skip(text.substr(begin), " \n\t*_`:.$").empty()) break;
      if (at == 0) break;
      at = low.rfind(word, at - 1);
    }
  }
  for (const std::string_view word :
       {"答案",      "答え",      "答",        "정답",      "답",       "ответ",   "Ответ",   "réponse",
        "reponse",   "respuesta", "risposta",  "antwort",   "resposta", "cevap",   "jawaban", "đáp án",
        "đáp số",    "उत्तर",      "відповідь", "Відповідь", "antwoord", "kết quả", "คำตอบ",   "תשובה",
        "odpowiedź", "odpověď",   "svar",      "vastaus",   "الجواب",   "الإجابة", "lösung",  "απάντηση"}) {
    const size_t at = low.rfind(word);
    if (at == std::string_view::npos) continue;
    const size_t link = link_length(low.substr(at + word.size()));
    const bool wide = static_cast<unsigned char>(word[0]) >= 0xE0;  // scripts that may go without a copula
    if (link != std::string_view::npos)
      consider(at + word.size() + link);
    else if (wide)
      consider(at + word.size());
  }
  return best;
}

// 不是5, 5或6: sentences without blanks, which no list of words parts.
bool taken_back(std::string_view phrase) {
  const std::string_view sentence = phrase.substr(0, std::min(phrase.find("。"), phrase.find("因")));
  const size_t value = sentence.find_first_of("0123456789$\\");
  bool blanks = false;
  for (const char c : sentence) blanks = blanks || is_letter(c);
  return !blanks && (denies(sentence.substr(0, value)) || hedges(sentence));
}

// What directly follows: to the end of the line, or of the displayed formula it begins with; all of an <answer>.
std::string_view phrase_after(std::string_view text, size_t begin, bool whole_tag) {
  std::string_view rest = skip(text.substr(begin), " \n\t\r*_`:");
  if (const size_t tag = rest.find("</answer>"); tag != std::string_view::npos) {
    rest = rest.substr(0, tag);
    if (whole_tag && rest.find("$$") == std::string_view::npos && rest.find("\\[") == std::string_view::npos)
      return rest;
  }
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"$$", "$$"}, {"\\[", "\\]"}}) {
    if (!rest.starts_with(open)) continue;
    const size_t end = rest.find(close, open.size());
    return rest.substr(open.size(), end == std::string_view::npos ? end : end - open.size());
  }
  return rest.substr(0, rest.find('\n'));
}

}  // namespace

std::optional<std::string_view> behind_thought(std::string_view reply, Think think) {
  constexpr std::string_view open = "<think>", close = "</think>";
  if (think == Think::off) return reply;
  const size_t end = reply.rfind(close), begin = reply.rfind(open);
  if (end == std::string_view::npos) {
    const bool unfinished = think == Think::required || begin != std::string_view::npos;
    return unfinished ? std::nullopt : std::optional(reply);
  }
  if (begin != std::string_view::npos && begin > end) return std::nullopt;
  return reply.substr(end + close.size());
}

Answer extract_answer(std::string_view whole_reply, Policy policy, Think think) {
  const auto said = behind_thought(whole_reply, think);
  if (!said) return {};
  std::string_view reply = *said;
  if (auto boxed = boxed_answer(reply)) {
    Answer out{true, std::move(*boxed), {}, "box"};
    out.raw = out.text;
    return out;
  }
  if (policy == Policy::box) return {};
  if (reply.size() > marker_window) reply = reply.substr(reply.size() - marker_window);
  if (const size_t begin = last_marker(reply); begin != std::string_view::npos) {
    const bool tag = reply.substr(0, begin).ends_with("<answer>");
    const std::string_view phrase = phrase_after(reply, begin, tag);
    if (taken_back(phrase)) return {true, {}, std::string(phrase), "marker"};
    return {true, first_expression(phrase, tag), std::string(phrase), "marker"};
  }
  if (policy == Policy::marked) return {};
  std::string last = last_expression(reply);
  if (last.empty() && skip(reply, " \n\t\r").empty()) return {};
  const std::string_view trimmed = skip(reply, " \n\t\r");
  return {true, std::move(last), std::string(trimmed), "last expression"};
}

}  // namespace posttrain::mathcheck
