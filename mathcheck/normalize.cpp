#include "mathcheck/normalize.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/letters.h"
#include "mathcheck/spelling.h"
#include "mathcheck/words.h"

namespace posttrain::mathcheck {

namespace {

struct Sign {
  uint32_t code;
  const char* meaning;
};

// Sorted by code point.
constexpr Sign kSigns[] = {
    {0xA0, " "},
    {0xA2, "¢"},
    {0xA3, "£"},
    {0xA5, "¥"},
    {0xAC, "\\neg "},
    {0xAD, ""},
    {0xB0, "^\\circ "},
    {0xB1, "\\pm "},
    {0xB7, "\\cdot "},
    {0xBC, " 1/4"},
    {0xBD, " 1/2"},
    {0xBE, " 3/4"},
    {0xD7, "\\times "},
    {0xF7, "\\div "},
    {0x2C6, "^"},
    {0x391, "\\Alpha "},
    {0x393, "\\Gamma "},
    {0x394, "\\Delta "},
    {0x398, "\\Theta "},
    {0x39B, "\\Lambda "},
    {0x3A0, "\\Pi "},
    {0x3A3, "\\Sigma "},
    {0x3A6, "\\Phi "},
    {0x3A8, "\\Psi "},
    {0x3A9, "\\Omega "},
    {0x3B1, "\\alpha "},
    {0x3B2, "\\beta "},
    {0x3B3, "\\gamma "},
    {0x3B4, "\\delta "},
    {0x3B5, "\\epsilon "},
    {0x3B6, "\\zeta "},
    {0x3B7, "\\eta "},
    {0x3B8, "\\theta "},
    {0x3B9, "\\iota "},
    {0x3BA, "\\kappa "},
    {0x3BB, "\\lambda "},
    {0x3BC, "\\mu "},
    {0x3BD, "\\nu "},
    {0x3BE, "\\xi "},
    {0x3C0, "\\pi "},
    {0x3C1, "\\rho "},
    {0x3C3, "\\sigma "},
    {0x3C4, "\\tau "},
    {0x3C6, "\\phi "},
    {0x3C7, "\\chi "},
    {0x3C8, "\\psi "},
    {0x3C9, "\\omega "},
    {0x3D5, "\\phi "},
    {0x2000, " "},
    {0x2001, " "},
    {0x2002, " "},
    {0x2003, " "},
    {0x2004, " "},
    {0x2005, " "},
    {0x2006, "\x1f"},
    {0x2007, " "},
    {0x2008, "\x1f"},
    {0x2009, "\x1f"},
    {0x200A, "\x1f"},
    {0x200B, ""},
    {0x200C, ""},
    {0x200D, ""},
    {0x200E, ""},
    {0x200F, ""},
    {0x2010, "-"},
    {0x2011, "-"},
    {0x2012, "-"},
    {0x2013, "-"},
    {0x2014, "-"},
    {0x2015, "-"},
    {0x2018, "'"},
    {0x2019, "'"},
    {0x201C, "\""},
    {0x201D, "\""},
    {0x2022, "\\cdot "},
    {0x2026, "\\ldots "},
    {0x202A, ""},
    {0x202B, ""},
    {0x202C, ""},
    {0x202D, ""},
    {0x202E, ""},
    {0x202F, "\x1f"},
    {0x2030, "\\permille "},
    {0x2032, "'"},
    {0x2033, "''"},
    {0x2044, "/"},
    {0x205F, " "},
    {0x2060, ""},
    {0x2061, ""},
    {0x2062, " "},
    {0x2063, ","},
    {0x2064, "+"},
    {0x2066, ""},
    {0x2067, ""},
    {0x2068, ""},
    {0x2069, ""},
    {0x20AC, "€"},
    {0x20B9, "₹"},
    {0x2102, "\\mathbb{C}"},
    {0x2115, "\\mathbb{N}"},
    {0x211A, "\\mathbb{Q}"},
    {0x211D, "\\mathbb{R}"},
    {0x2124, "\\mathbb{Z}"},
    {0x2150, " 1/7"},
    {0x2151, " 1/9"},
    {0x2152, " 1/10"},
    {0x2153, " 1/3"},
    {0x2154, " 2/3"},
    {0x2155, " 1/5"},
    {0x2156, " 2/5"},
    {0x2157, " 3/5"},
    {0x2158, " 4/5"},
    {0x2159, " 1/6"},
    {0x215A, " 5/6"},
    {0x215B, " 1/8"},
    {0x215C, " 3/8"},
    {0x215D, " 5/8"},
    {0x215E, " 7/8"},
    {0x2190, "\\leftarrow "},
    {0x2192, "\\to "},
    {0x21D2, "\\implies "},
    {0x21D4, "\\iff "},
    {0x2200, "\\forall "},
    {0x2203, "\\exists "},
    {0x2205, "\\emptyset "},
    {0x2208, "\\in "},
    {0x2209, "\\notin "},
    {0x220F, "\\prod "},
    {0x2211, "\\sum "},
    {0x2212, "-"},
    {0x2213, "\\mp "},
    {0x2215, "/"},
    {0x2216, "\\setminus "},
    {0x2217, "*"},
    {0x2218, "\\circ "},
    {0x2219, "\\cdot "},
    {0x221A, "\\sqrt "},
    {0x221B, "\\sqrt[3] "},
    {0x221C, "\\sqrt[4] "},
    {0x221D, "\\propto "},
    {0x221E, "\\infty "},
    {0x2220, "\\angle "},
    {0x2223, "|"},
    {0x2225, "\\parallel "},
    {0x2227, "\\land "},
    {0x2228, "\\lor "},
    {0x2229, "\\cap "},
    {0x222A, "\\cup "},
    {0x2234, ""},
    {0x2236, ":"},
    {0x223C, "\\sim "},
    {0x2245, "\\cong "},
    {0x2248, "\\approx "},
    {0x2260, "\\ne "},
    {0x2261, "\\equiv "},
    {0x2264, "\\le "},
    {0x2265, "\\ge "},
    {0x2266, "\\le "},
    {0x2267, "\\ge "},
    {0x2282, "\\subset "},
    {0x2286, "\\subseteq "},
    {0x22C5, "\\cdot "},
    {0x22EF, "\\ldots "},
    {0x2308, "\\lceil "},
    {0x2309, "\\rceil "},
    {0x230A, "\\lfloor "},
    {0x230B, "\\rfloor "},
    {0x2329, "\\langle "},
    {0x232A, "\\rangle "},
    {0x25A1, " "},
    {0x25B3, "\\triangle "},
    {0x27E8, "\\langle "},
    {0x27E9, "\\rangle "},
    {0x2A7D, "\\le "},
    {0x2A7E, "\\ge "},
    {0x3000, " "},
    {0x3001, ","},
    {0x3002, "."},
    {0x300A, ""},
    {0x300B, ""},
    {0xFE0F, ""},
    {0xFEFF, ""},
    {0xFFE5, "¥"},
};

constexpr std::string_view superscripts[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "⁺", "⁻", "ⁿ"};
constexpr std::string_view subscripts[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉", "₊", "₋", "ₙ"};
constexpr char raised[] = "0123456789+-n";

// The code point at `at`, and how many bytes it takes; bytes that are not UTF-8 stand for themselves.
uint32_t decode(std::string_view text, size_t at, size_t& length) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (length == 1 || at + length > text.size()) {
    length = 1;
    return lead;
  }
  uint32_t code = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(at + i) & 0x3Fu);
  return code;
}

// A run of raised or lowered digits as one group.
size_t script_run(std::string_view text, size_t at, std::span<const std::string_view> table, char mark,
                  std::string& out) {
  size_t end = at;
  std::string digits;
  for (bool found = true; found;) {
    found = false;
    for (size_t i = 0; i < table.size(); ++i) {
      if (!text.substr(end).starts_with(table[i])) continue;
      digits += raised[i];
      end += table[i].size();
      found = true;
      break;
    }
  }
  if (end > at) out += std::string{mark} + "{" + digits + "}";
  return end - at;
}

void append_code(uint32_t code, std::string_view bytes, std::string& out) {
  const auto* found = std::ranges::lower_bound(kSigns, code, {}, &Sign::code);
  if (found != std::end(kSigns) && found->code == code) {
    out += found->meaning;
  } else if (code >= 0xFF01 && code <= 0xFF5E) {  // full-width ASCII
    out += static_cast<char>(code - 0xFF01 + '!');
  } else if (code >= 0x1D400 && code < 0x1D6A4) {  // mathematical letters, 13 alphabets of 52
    const uint32_t letter = (code - 0x1D400) % 52;
    out += static_cast<char>(letter < 26 ? 'A' + letter : 'a' + letter - 26);
  } else if (code >= 0x1D7CE && code <= 0x1D7FF) {
    out += static_cast<char>('0' + (code - 0x1D7CE) % 10);
  } else {
    out += bytes;
  }
}

std::string map_signs(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) < 0x80) {
      out += c;
      ++at;
      continue;
    }
    size_t length = script_run(text, at, superscripts, '^', out);
    if (length == 0) length = script_run(text, at, subscripts, '_', out);
    if (length == 0) {
      const uint32_t code = decode(text, at, length);
      append_code(code, text.substr(at, length), out);
    }
    at += length;
  }
  return out;
}

// True when commands are written with two backslashes throughout: halving them is the only sensible reading.
bool all_doubled(std::string_view text) {
  bool command = false;
  for (size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    size_t end = text.find_first_not_of('\\', at);
    if (end == std::string_view::npos) end = text.size();
    if ((end - at) % 2 != 0) return false;
    size_t stop = end;
    while (stop < text.size() && is_letter(text[stop])) ++stop;
    command =
        command || stop - end >= 2 || (end < text.size() && (text[end] == '{' || text[end] == '%' || text[end] == '$'));
    at = end;
  }
  return command;
}

std::string halve(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    out += text[at];
    if (text[at] == '\\') ++at;
  }
  return out;
}

// Handles the command at `at` (a backslash) and returns how many bytes it took; 0 leaves it to the lexer.
size_t style_command(std::string_view text, size_t at, std::string& out) {
  if (at + 1 >= text.size()) return 1;
  const char next = text[at + 1];
  if (!is_letter(next)) {
    switch (next) {
      case ',':
        out += thin_space;
        return 2;
      case '!':
        if (out.ends_with(',')) {
          out.pop_back();
          out += "{,}";
          return std::min(text.find_first_not_of(' ', at + 2), text.size()) - at;  // 32,\! 349
        }
        return 2;
      case ' ':
      case ';':
      case ':':
      case '>':
      case '(':
      case ')':
      case '[':
      case ']':
      case '/':
      case '\n':
        out += ' ';
        return 2;
      case '%':
        out += '%';
        return 2;
      case '#':
      case '-':
        return 2;
      case '_':
        out += ' ';
        return 2;
      case '&':
        out += " and ";
        return 2;
      default:
        return 0;
    }
  }
  size_t end = at + 1;
  while (end < text.size() && is_letter(text[end])) ++end;
  const std::string_view name = text.substr(at + 1, end - at - 1);
  if (among(name, {"left", "right", "middle", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl",
                   "biggr", "Biggl", "Biggr", "lvert", "rvert"})) {
    if (name.ends_with("vert")) {
      out += '|';
    } else if (end < text.size() && text[end] == '.') {
      ++end;
    }
    return end - at;
  }
  if (among(name, {"displaystyle", "textstyle", "scriptstyle", "limits",      "nolimits", "quad",      "qquad",
                   "rm",           "bf",        "it",          "sf",          "tt",       "cal",       "large",
                   "Large",        "huge",      "small",       "normalsize",  "hfill",    "thinspace", "enspace",
                   "boldmath",     "nonumber",  "notag",       "strut",       "hline",    "centering", "mathstrut",
                   "ensuremath",   "smash",     "mathopen",    "mathclose",   "mathrel",  "mathbin",   "mathop",
                   "allowbreak",   "newline",   "therefore",   "blacksquare", "Box",      "qed",       "checkmark",
                   "underline",    "uline"})) {
    if (name == "thinspace")
      out += thin_space;
    else if (name == "newline")
      out += "\\\\";
    else
      out += ' ';
    return end - at;
  }
  if (among(name, {"hspace", "vspace", "phantom", "vphantom", "hphantom", "label", "tag", "textcolor", "color"})) {
    while (end < text.size() && text[end] == '*') ++end;
    if (end < text.size() && text[end] == '{') {
      const size_t close = text.find('}', end);
      end = close == std::string_view::npos ? text.size() : close + 1;
    }
    out += ' ';
    return end - at;
  }
  if (name == "textdollar") {
    out += "\\$";
    return end - at;
  }
  return 0;
}

bool operand_before(std::string_view out) {
  return !out.empty() && (is_letter_or_digit(out.back()) || out.back() == ')');
}

}  // namespace

std::string normalize(std::string_view answer) {
  std::string text = map_signs(answer);
  if (all_doubled(text)) text = halve(text);
  text = respell(text);
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\\') {
      const size_t taken = style_command(text, at, out);
      if (taken > 0) {
        at += taken;
        continue;
      }
      out += c;
      if (at + 1 < text.size() && !is_letter(text[at + 1])) out += text[++at];
      ++at;
    } else if (c == '*' && at + 1 < text.size() && text[at + 1] == '*') {
      // A power in the style of programs, or bold.
      const bool power = operand_before(out) && at + 2 < text.size() &&
                         (is_letter_or_digit(text[at + 2]) || text[at + 2] == '(' || text[at + 2] == '-') &&
                         text.find("**") == text.rfind("**");
      if (power) out += '^';
      at += 2;
    } else if (c == '$' || c == '`' || c == '"') {
      ++at;
    } else if (c == '~' || c == '\n' || c == '\t' || c == '\r') {
      out += ' ';
      ++at;
    } else {
      out += c;
      ++at;
    }
  }
  return out;
}

std::string plain_words(std::string_view normalized, bool keep_hyphens) {
  std::string out;
  const auto space = [&] {
    if (!out.empty() && out.back() != ' ') out += ' ';
  };
  for (size_t at = 0; at < normalized.size(); ++at) {
    const char c = normalized[at];
    if (c == '\\') {
      size_t end = at + 1;
      while (end < normalized.size() && is_letter(normalized[end])) ++end;
      const std::string_view name = normalized.substr(at + 1, end - at - 1);
      // Font commands are no words; others are part of what is said.
      if (!name.starts_with("text") && !name.starts_with("math") && name != "mbox" && name != "operatorname") {
        out += name;
      }
      if (end > at + 1) at = end - 1;
    } else if (c == '{' || c == '}') {
      continue;
    } else if (is_space(c) || (c == '-' && !keep_hyphens) || c == '_' || c == thin_space) {
      space();
    } else {
      out += lower_case(c);
    }
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

std::string squeeze(std::string_view normalized) {
  std::string out;
  bool gap = false;
  for (const char c : normalized) {
    if (c == ' ' || c == thin_space) {
      gap = true;
      continue;
    }
    const auto word = is_letter_or_digit;
    // "12, 345" is a pair, "12,345" a number.
    const bool pair = !out.empty() && out.back() == ',' && is_digit(c);
    if (gap && !out.empty() && (pair || (word(out.back()) && word(c)))) out += ' ';
    gap = false;
    out += c;
  }
  while (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

}  // namespace posttrain::mathcheck
