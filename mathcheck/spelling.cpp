#include "mathcheck/spelling.h"

#include <algorithm>
#include <string>

#include "base/letters.h"
#include "mathcheck/units.h"

namespace posttrain::mathcheck {

namespace {

size_t skip_spaces(std::string_view text, size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  return at;
}

// What stands in the braces that open at `at`, and `end` behind them; nothing nested. Empty when there is none.
std::string_view flat_group(std::string_view text, size_t at, size_t& end) {
  if (at >= text.size() || text[at] != '{') return {};
  const size_t stop = text.find_first_of("{}", at + 1);
  if (stop == std::string_view::npos || text[stop] == '{') return {};
  end = stop + 1;
  return text.substr(at + 1, stop - at - 1);
}

// "1st", "2nd": ordinals are words.
bool has_ordinal(std::string_view text) {
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    const std::string_view next = text.substr(i + 1, 2);
    if (is_digit(text[i]) && (next == "st" || next == "nd" || next == "rd" || next == "th")) return true;
  }
  return false;
}

// \text{...} with figures in it, without the command; how many bytes it took, 0 for anything else.
size_t text_with_figures(std::string_view text, size_t at, std::string& out) {
  for (const std::string_view name : {"\\text", "\\textbf", "\\textrm", "\\mbox", "\\mathrm", "\\mathsf", "\\hbox"}) {
    if (!text.substr(at).starts_with(name)) continue;
    size_t end = 0;
    const std::string_view inside = flat_group(text, at + name.size(), end);
    if (inside.find_first_of("0123456789") == std::string_view::npos || has_ordinal(inside)) continue;
    std::string unit(inside);
    std::erase(unit, '$');
    if (parse_unit(unit)) {  // m/s^2
      out += std::string(name) + "{" + unit + "}";
      return end - at;
    }
    const size_t first = inside.find_first_not_of(' ');
    if (!is_digit(inside[first]) && !is_letter(inside[first]) &&
        std::string_view("-+(.$\\").find(inside[first]) == std::string_view::npos)
      continue;
    if (inside.front() == ' ') out += ' ';
    out += inside.substr(first);
    if (end < text.size() && is_letter(text[end])) out += ' ';
    return end - at;
  }
  return 0;
}

// "a.m." and "p. m." as one word.
size_t half_day_stops(std::string_view text, size_t at, std::string& out) {
  const auto is = [&](size_t i, char small) { return i < text.size() && lower_case(text[i]) == small; };
  if ((!is(at, 'a') && !is(at, 'p')) || (at > 0 && is_letter(text[at - 1]))) return 0;
  if (at + 1 >= text.size() || text[at + 1] != '.') return 0;
  const size_t m = skip_spaces(text, at + 2);
  if (!is(m, 'm') || (m + 1 < text.size() && is_letter(text[m + 1]))) return 0;
  out += is(at, 'a') ? " am " : " pm ";
  return m + 1 + (m + 1 < text.size() && text[m + 1] == '.' ? 1 : 0) - at;
}

// A group or single sign as an argument.
std::string_view argument(std::string_view text, size_t at, size_t& end) {
  if (at < text.size() && text[at] == '{') return flat_group(text, at, end);
  size_t stop = at;
  while (stop < text.size() && is_digit(text[stop])) ++stop;
  if (stop == at && at < text.size() && is_letter(text[at])) ++stop;
  end = stop;
  return text.substr(at, stop - at);
}

// {}_{12}C_{5}, ^{12}C_5 where no base stands before.
size_t choose_symbol(std::string_view text, size_t at, std::string& out) {
  size_t from = at;
  if (text.substr(at).starts_with("{}")) from += 2;
  if (from >= text.size() || (text[from] != '_' && text[from] != '^')) return 0;
  if (from == at && !out.empty() && std::string_view(" =(+*,").find(out.back()) == std::string_view::npos) return 0;
  size_t end = 0;
  const std::string_view n = argument(text, from + 1, end);
  end = skip_spaces(text, end);
  if (n.empty() || end + 1 >= text.size() || text[end] != 'C' || text[end + 1] != '_') return 0;
  const std::string_view k = argument(text, end + 2, end);
  if (k.empty()) return 0;
  out += "\\binom{" + std::string(n) + "}{" + std::string(k) + "}";
  return end - at;
}

// C_{12}^{5} and A_{12}^{5} with figures, the usual spelling of many countries: combinations and arrangements. A letter
// with a small index and a power of it stays what it is.
size_t counted_choice(std::string_view text, size_t at, std::string& out) {
  if (at > 0 && (is_letter(text[at - 1]) || text[at - 1] == '\\')) return 0;
  if (at + 1 >= text.size() || (text[at + 1] != '_' && text[at + 1] != '^')) return 0;
  size_t end = 0, last = 0;
  std::string_view n = argument(text, at + 2, end);
  if (end >= text.size() || (text[end] != '_' && text[end] != '^') || text[end] == text[at + 1]) return 0;
  std::string_view k = argument(text, end + 1, last);
  if (text[at + 1] == '^') std::swap(n, k);
  const auto count = [](std::string_view figures) {
    const bool plain = !figures.empty() && figures.size() <= 4 && std::ranges::all_of(figures, is_digit);
    return plain ? std::stoi(std::string(figures)) : -1;
  };
  const int all = count(n), chosen = count(k);
  if (all < 3 || chosen < 0 || chosen > all) return 0;
  const std::string total = std::to_string(all);
  out += text[at] == 'C' ? "\\binom{" + total + "}{" + std::to_string(chosen) + "}"
                         : "\\frac{" + total + "!}{" + std::to_string(all - chosen) + "!}";
  return last - at;
}

// Plain TeX's \root 3 \of {x}.
size_t plain_root(std::string_view text, size_t at, std::string& out) {
  constexpr std::string_view root = "\\root", of = "\\of";
  if (!text.substr(at).starts_with(root)) return 0;
  const size_t from = at + root.size();
  if (from >= text.size() || is_letter(text[from])) return 0;
  const size_t middle = text.find(of, from);
  if (middle == std::string_view::npos || middle - from > 20) return 0;
  const size_t end = middle + of.size();
  if (end < text.size() && is_letter(text[end])) return 0;
  out += "\\sqrt[" + std::string(text.substr(from, middle - from)) + "]";
  return end - at;
}

struct Spelling {
  std::string_view from, to;
};
constexpr Spelling spellings[] = {
    {"m\\angle", "\\angle"},
    {"m \\angle", "\\angle"},
    {"m\\measuredangle", "\\angle"},
    {"(\\text{mod}", " \\mod ("},
    {"(\\text{mod ", " \\mod ("},
    {"(\\mathrm{mod}", " \\mod ("},
    {"(\\bmod", " \\mod ("},
    {"(\\mod", " \\mod ("},
    {"(mod ", " \\mod ("},
    {"\\text{ mod }", " \\mod "},
    {"{:}", ":"},
    {"\\text{, }", ", "},
    {"\\text{,}", ","},
    {"\\text{; }", "; "},
    {"\\mathbb R", "\\mathbb{R}"},
    {"\\mathbf{R}", "\\mathbb{R}"},
    {"\\Bbb R", "\\mathbb{R}"},
    {"\\mathbb Z", "\\mathbb{Z}"},
    {"\\bigcup", "\\cup"},
    {"\\bigcap", "\\cap"},
    {"\\sqrt[]", "\\sqrt"},
    {"\\pounds", "£"},
    {"\\textsterling", "£"},
    {"\\euro", "€"},
    {"\\textdegree", "^\\circ "},
    {"\\Vert", "|"},
};

}  // namespace

std::string respell(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    size_t taken = 0;
    if (c == '\\' || c == '(' || c == '{' || c == 'm') {
      for (const Spelling& spelling : spellings) {
        if (c != spelling.from[0] || !text.substr(at).starts_with(spelling.from)) continue;
        const char last = spelling.from.back();
        const size_t next = at + spelling.from.size();
        if (is_letter(last) && next < text.size() && is_letter(text[next])) continue;
        if (c == 'm' && at > 0 && is_letter(text[at - 1])) continue;
        out += spelling.to;
        taken = spelling.from.size();
        break;
      }
    }
    if (taken == 0 && c == '\\') taken = text_with_figures(text, at, out);
    if (taken == 0 && c == '\\') taken = plain_root(text, at, out);
    if (taken == 0 && (c == 'C' || c == 'A')) taken = counted_choice(text, at, out);
    if (taken == 0 && (c == 'a' || c == 'A' || c == 'p' || c == 'P')) taken = half_day_stops(text, at, out);
    if (taken == 0 && (c == '{' || c == '_' || c == '^')) taken = choose_symbol(text, at, out);
    if (taken == 0) out += text[at++];
    at += taken;
  }
  return out;
}

}  // namespace posttrain::mathcheck
