#include "mathcheck/prose.h"

#include <algorithm>
#include <vector>

#include "base/letters.h"
#include "mathcheck/changers.h"
#include "mathcheck/normalize.h"
#include "mathcheck/units.h"
#include "mathcheck/words.h"

namespace posttrain::mathcheck {

namespace {

enum class Role : uint8_t { maths, sign, letter, number_word, connector, prose };

struct Word {
  std::string_view text;
  Role role = Role::prose;
  bool comma = false;    // one stands behind it
  bool stop = false;     // the sentence or line ends behind it
  bool doubt = false;    // a question mark stands behind it
  bool remark = false;   // opens a remark in brackets
  bool formula = false;  // stood between maths delimiters
};

size_t longest_letters(std::string_view text) {
  size_t best = 0, run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {  // a command is one sign
      while (i + 1 < text.size() && is_letter(text[i + 1])) ++i;
      run = 0;
      continue;
    }
    run = is_letter(text[i]) ? run + 1 : 0;
    best = std::max(best, run);
  }
  return best;
}

Role role_of(std::string_view word) {
  if (word.size() == 1) {
    const char c = word[0];
    if (is_digit(c)) return Role::maths;
    if (std::string_view("=+-*/<>:^|").find(c) != std::string_view::npos) return Role::sign;
    if (is_letter(c)) return c == 'a' || c == 'I' || c == 'A' ? Role::prose : Role::letter;
    return Role::prose;
  }
  const std::string small = lower_case(word);
  if (small == "minus" || small == "negative") return Role::sign;
  if (is_and(small) || is_or(small)) return Role::connector;
  const bool digit = std::ranges::any_of(word, is_digit);
  const std::string normal = normalize(word);
  // x₁ and x_2 are names.
  if (normal.size() > 2 && is_letter(normal[0]) && normal[1] == '_' &&
      normal.find_first_not_of("0123456789{}", 2) == std::string::npos)
    return Role::letter;
  if (digit) {
    // "3rd" and "2nd" are no values, nor is "C4H10" or "part2".
    const bool ordinal =
        normal.size() > 2 && is_digit(normal[0]) &&
        (normal.ends_with("st") || normal.ends_with("nd") || normal.ends_with("rd") || normal.ends_with("th"));
    return ordinal ? Role::prose : Role::maths;
  }
  if (normal.find('\\') != std::string::npos) return Role::maths;
  if (normal.size() == 1 && std::string_view("=+-*/<>:^|").find(normal[0]) != std::string_view::npos) return Role::sign;
  if (normal.size() == 1 && is_letter(normal[0]))
    return normal == "a" || normal == "I" || normal == "A" ? Role::prose : Role::letter;
  if (normal.find_first_of("=^<>+*") != std::string::npos && longest_letters(normal) < 4) return Role::maths;
  if ((normal.starts_with('(') || normal.starts_with('[')) && normal.find(',') != std::string::npos &&
      longest_letters(normal) < 3)
    return Role::maths;
  if (number_from_words(normal) && small != "one" && small != "half" && small != "decimal" && small != "binary")
    return Role::number_word;
  return Role::prose;
}

// A word, with marks of emphasis and punctuation off.
void push_word(std::vector<Word>& out, std::string_view word) {
  Word w;
  while (!word.empty() && std::string_view("*_\"'`").find(word.front()) != std::string_view::npos)
    word.remove_prefix(1);
  for (bool again = true; again && !word.empty();) {
    again = false;
    const char last = word.back();
    if (last == ',' || last == ';')
      w.comma = again = true;
    else if (last == '?')
      w.stop = w.doubt = again = true;
    else if (last == '.' || (last == '!' && word.size() > 1 && is_letter(word[word.size() - 2])))
      w.stop = again = true;
    else
      again = std::string_view("*_\"'`").find(last) != std::string_view::npos || (last == ':' && word.size() > 1) ||
              (last == ')' && std::ranges::count(word, '(') < std::ranges::count(word, ')') &&
               std::ranges::count(word, '[') == 0);
    if (again) word.remove_suffix(1);
  }
  // "(or", "(sixty": a remark in brackets.
  if (word.size() > 2 && word[0] == '(' && word.find_first_of("0123456789\\") == std::string_view::npos) {
    word.remove_prefix(1);
    if (word.ends_with(')')) word.remove_suffix(1);
    w.remark = true;
  }
  w.text = word;
  if (word.empty()) {
    if (!out.empty()) {
      out.back().comma = out.back().comma || w.comma;
      out.back().stop = out.back().stop || w.stop;
      out.back().doubt = out.back().doubt || w.doubt;
    }
    return;
  }
  w.role = role_of(word);
  out.push_back(w);
}

void push_formula(std::vector<Word>& out, std::string_view text) {
  if (text.find_first_not_of(" \n") == std::string_view::npos) return;
  out.push_back({.text = text, .role = Role::maths, .formula = true});
}

std::vector<Word> prose_words(std::string_view text) {
  std::vector<Word> out;
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    // Formulas between delimiters.
    bool taken = false;
    for (const auto& [open, close] :
         {std::pair<std::string_view, std::string_view>{"$$", "$$"}, {"$", "$"}, {"\\(", "\\)"}, {"\\[", "\\]"}}) {
      if (!rest.starts_with(open)) continue;
      size_t end = rest.find(close, open.size());
      while (end != std::string_view::npos && end > 0 && rest[end - 1] == '\\' && close == "$")
        end = rest.find(close, end + 1);
      if (end == std::string_view::npos) break;
      // Money: "$5 and $6" has no closing delimiter where a digit follows directly.
      const std::string_view inside = rest.substr(open.size(), end - open.size());
      const bool money = open == "$" && !inside.empty() && is_digit(inside[0]) &&
                         inside.find('\\') == std::string_view::npos && inside.find(' ') != std::string_view::npos &&
                         longest_letters(inside) > 3;
      if (money) break;
      push_formula(out, inside);
      at += end + close.size();
      taken = true;
      // Punctuation behind it.
      if (at < text.size() && !out.empty()) {
        if (text[at] == ',' || text[at] == ';') out.back().comma = true;
        if (text[at] == '.') out.back().stop = true;
        if (text[at] == '?') out.back().stop = out.back().doubt = true;
        if (std::string_view(",.;?").find(text[at]) != std::string_view::npos) ++at;
      }
      break;
    }
    if (taken) continue;
    if (is_space(text[at])) {
      if (text[at] == '\n' && !out.empty()) out.back().stop = true;
      ++at;
      continue;
    }
    if (wide_at(text, at)) {
      if (!out.empty()) out.back().stop = true;
      at += 3;
      continue;
    }
    size_t end = at;
    int braces = 0;
    while (end < text.size() && !wide_at(text, end)) {
      if (is_space(text[end]) && braces <= 0) break;
      if (text[end] == '$' && end > at && text[end - 1] != '\\' && end > at &&
          text.find('$', end + 1) != std::string_view::npos)
        break;
      if (text[end] == '{') ++braces;
      if (text[end] == '}') --braces;
      if (end - at > 3000) break;
      ++end;
    }
    push_word(out, text.substr(at, end - at));
    at = end;
  }
  return out;
}

// Words from `i` on that name a unit: how many.
size_t unit_words(const std::vector<Word>& words, size_t i) {
  std::string joined;
  size_t best = 0;
  for (size_t n = 0; n < 4 && i + n < words.size(); ++n) {
    const Word& w = words[i + n];
    if (w.formula) break;
    joined += (n == 0 ? "" : " ") + std::string(w.text);
    const std::string small = lower_case(joined);
    const bool taken =
        small == "percent" || small == "%" || half_day(joined) != 0 ||
        (small != "in" && small != "a" &&
         (joined.size() > 1 || joined == "m" || joined == "g" || joined == "h" || joined == "s" || joined == "L") &&
         parse_unit(joined));
    if (taken) best = n + 1;
    if (w.comma || w.stop) break;
  }
  return best;
}

// The run that starts at word `begin`; `end` is set behind it. Empty when none starts there.
std::string run_from(const std::vector<Word>& words, size_t begin, size_t& end) {
  std::string out;
  bool value = false;
  size_t i = begin;
  const auto starts_value = [&](size_t k) {
    if (k >= words.size()) return false;
    if (words[k].role == Role::maths || words[k].role == Role::number_word) return true;
    const bool sign_next = k + 1 < words.size() && words[k + 1].role == Role::sign;
    return (words[k].role == Role::letter && sign_next) ||
           (words[k].role == Role::sign && k + 1 < words.size() &&
            (words[k + 1].role == Role::maths || words[k + 1].role == Role::number_word));
  };
  if (!starts_value(i)) return {};
  while (i < words.size()) {
    const Word& w = words[i];
    if (w.remark && value && w.role != Role::connector) break;  // "sixty (sixty)"
    if (value && w.text.starts_with('(') && w.text.find(',') == std::string_view::npos && !w.formula &&
        words[i - 1].role == Role::number_word)
      break;  // "sixty (60)"
    if (w.role == Role::prose) {
      if (w.text == "to" && value && starts_value(i + 1)) {
        out += " to";
        ++i;
        continue;
      }
      break;
    }
    if (w.role == Role::connector) {
      if (!starts_value(i + 1)) {
        // "5 or maybe more": an alternative that is no value still hedges.
        if (is_or(lower_case(w.text)) && value) out += " \\text{ or other }", ++i;
        break;
      }
      out += is_or(lower_case(w.text)) ? " \\text{ or }" : " \\text{ and }";
      ++i;
      continue;
    }
    if (w.role == Role::letter && !(i + 1 < words.size() && words[i + 1].role == Role::sign) &&
        !(i > begin && words[i - 1].role == Role::sign))
      break;
    if (w.role == Role::number_word) {
      out += " \\text{" + std::string(w.text);
      while (i + 1 < words.size() && !words[i].comma && !words[i].stop && words[i + 1].role == Role::number_word)
        out += " " + std::string(words[++i].text);
      out += "}";
    } else {
      const bool spelt = w.role == Role::sign && w.text.size() > 1 && is_letter(w.text[0]);
      out += spelt ? " -" : " " + std::string(w.text);
    }
    value = value || w.role != Role::sign;
    const Word& last = words[i];
    ++i;
    if (last.stop) break;
    if (last.comma) {
      const bool doubt =
          i < words.size() && (words[i].text == "possibly" || words[i].text == "perhaps" || words[i].text == "maybe");
      if (doubt && value && starts_value(i + 1)) {
        out += " \\text{ or other }";
        break;
      }
      const bool joined =
          starts_value(i) || (i < words.size() && words[i].role == Role::connector && starts_value(i + 1));
      if (!joined) break;
      out += ",";
      continue;
    }
    if (const size_t n = unit_words(words, i); n > 0) {
      out += " \\text{ ";
      for (size_t k = 0; k < n; ++k) out += std::string(words[i + k].text) + " ";
      out += "}";
      i += n;
      if (words[i - 1].stop) break;
      if (words[i - 1].comma) {
        if (!starts_value(i)) break;
        out += ",";
      }
    }
  }
  end = std::max(i, begin + 1);
  return value ? out : std::string();
}

}  // namespace

namespace {

constexpr size_t reach_of_denial = 3;  // words: "cannot possibly be 5"

bool negates(std::string_view word) {
  const std::string small = lower_case(word);
  return among(small, {"not", "never", "neither", "nor", "cannot", "except", "unlike", "hardly"}) ||
         small.ends_with("n't") || small.ends_with("n’t");
}

// "not 5", "isn't equal to 5", "anything but 5" and "at least 5" are no answers.
bool denied(const std::vector<Word>& words, size_t i) {
  if (i == 0 || words[i - 1].formula || words[i - 1].stop) return false;
  const std::string_view before = words[i - 1].text;
  if (before == "than" || before == "least" || before == "most") return true;
  if (before == "but" && i > 1 && among(lower_case(words[i - 2].text), {"anything", "everything", "nothing", "all"}))
    return true;
  for (size_t back = 1; back <= std::min(reach_of_denial, i); ++back) {
    const Word& w = words[i - back];
    if (w.formula || w.stop || w.comma) return false;
    if (negates(w.text)) return true;
  }
  return false;
}

bool is_copula(std::string_view word) {
  return among(lower_case(word), {"is", "are", "equals", "be", "was", "were"});
}

// From here on the sentence tells why or where, not what.
bool explains(const Word& w) {
  return w.remark || w.text.starts_with('(') ||
         among(lower_case(w.text),
               {"because", "since", "as", "which", "where", "when",  "while",  "given", "by",        "from", "using",
                "with",    "for",   "so", "thus",  "hence", "after", "before", "if",    "therefore", "that"});
}

// Whether the words from `end` on, behind an answer, offer another one: "or possibly 6", "but it could be 6", "? 6?",
// "and the area is 6". With `alone` nothing else may be a value.
bool offers_another(const std::vector<Word>& words, size_t end, bool alone) {
  if (end > 0 && words[end - 1].doubt) return true;
  if (end > 0 && words[end - 1].stop && !alone) return false;
  bool statement = false;  // a new statement has begun: what stands there is no part of the explanation before it
  for (size_t i = end; i < words.size(); ++i) {
    const Word& w = words[i];
    if (explains(w) && !statement) return false;
    if (!w.formula && (hedges(w.text) || lower_case(w.text) == "but" || lower_case(w.text) == "nor")) return true;
    const bool value = w.role == Role::maths || w.role == Role::number_word;
    if (value && (alone || (i > 0 && is_copula(words[i - 1].text)))) return true;
    if (w.stop && !alone) return false;
    statement = w.stop;
  }
  return false;
}

// "$n$ is 34": the name of what is told, not its value.
bool is_subject(const std::vector<Word>& words, size_t i, size_t end) {
  return words[i].formula && end < words.size() && !words[i].stop && !words[i].comma && is_copula(words[end].text) &&
         words[i].text.find_first_of("0123456789=<>") == std::string_view::npos;
}

}  // namespace

std::string first_expression(std::string_view text, bool alone) {
  const std::vector<Word> words = prose_words(text);
  for (size_t i = 0; i < words.size(); ++i) {
    size_t end = i + 1;
    std::string run = run_from(words, i, end);
    if (run.empty() || is_subject(words, i, i + 1)) continue;
    return denied(words, i) || offers_another(words, end, alone) ? std::string() : run;
  }
  return {};
}

std::string last_expression(std::string_view text) {
  const std::vector<Word> words = prose_words(text);
  std::string last;
  for (size_t i = 0; i < words.size();) {
    size_t end = i + 1;
    std::string run = run_from(words, i, end);
    if (!run.empty()) last = denied(words, i) ? std::string() : std::move(run);
    i = end;
  }
  return last;
}

}  // namespace posttrain::mathcheck
