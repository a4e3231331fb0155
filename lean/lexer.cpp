#include "lean/lexer.h"

#include <array>

#include "base/letters.h"

namespace posttrain::lean {
namespace {

// ASCII spellings that Lean accepts, and symbols of several characters.
constexpr std::array<std::pair<std::string_view, std::string_view>, 27> spellings = {
    {{"<->", "↔"}, {"<;>", "<;>"}, {"->", "→"},  {"<-", "←"},  {"/\\", "∧"},  {"\\/", "∨"},    {"<=", "≤"},
     {">=", "≥"},  {"=>", "=>"},   {"↦", "=>"},  {":=", ":="}, {"!=", "!="},  {"==", "=="},    {"..", ".."},
     {"λ", "fun"}, {"&&", "&&"},   {"||", "||"}, {"∘", "∘"},   {"⟨", "⟨"},    {"⟩", "⟩"},      {"·", "·"},
     {"⁻¹", "⁻¹"}, {"ℕ", "Nat"},   {"ℤ", "Int"}, {"ℚ", "Rat"}, {"ℝ", "Real"}, {"ℂ", "Complex"}}};

struct Reader {
  std::string_view source;
  size_t at = 0;
  Place place = {};

  // Length of the UTF-8 character at `i`, 0 when it is not one.
  size_t length(size_t i) const {
    const auto byte = [&](size_t k) { return static_cast<unsigned char>(source[k]); };
    const size_t n = byte(i) < 0x80 ? 1 : byte(i) >= 0xF0 ? 4 : byte(i) >= 0xE0 ? 3 : byte(i) >= 0xC2 ? 2 : 0;
    if (n == 0 || i + n > source.size()) return 0;
    for (size_t k = 1; k < n; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return 0;
    return n;
  }
  bool starts(std::string_view text) const { return source.substr(at).starts_with(text); }
  bool done() const { return at >= source.size(); }
  char peek(size_t ahead = 0) const { return at + ahead < source.size() ? source[at + ahead] : '\0'; }
  void skip(size_t characters = 1) {
    for (; characters > 0 && !done(); --characters) {
      const size_t n = length(at);
      if (n == 0) throw SyntaxError("invalid UTF-8", place);
      if (source[at] == '\n') {
        ++place.line;
        place.column = 0;
      } else {
        ++place.column;
      }
      at += n;
    }
  }
};

bool begins_name(char c) {
  return is_letter(c) || c == '_';
}

// Letters beyond ASCII that may stand in names: Greek but λ, letter-like symbols, subscripts.
size_t name_character(const Reader& r, size_t at, bool first) {
  if (at >= r.source.size()) return 0;
  const char c = r.source[at];
  if (begins_name(c) || (!first && (is_digit(c) || c == '\''))) return 1;
  const size_t n = r.length(at);
  if (n < 2) return 0;
  const std::string_view s = r.source.substr(at, n);
  if (n == 2 && (s[0] == '\xCE' || s[0] == '\xCF') && s != "λ" && s != "Π" && s != "Σ") return n;
  if (s == "✝") return first ? 0 : n;
  if (!first && s[0] == '\xE2' && s[1] == '\x82' && static_cast<unsigned char>(s[2]) <= 0x9C) return n;  // ₀ … ₜ
  return 0;
}

void skip_comment(Reader& r) {
  const Place start = r.place;
  int depth = 0;
  do {
    if (r.done()) throw SyntaxError("unterminated comment", start);
    if (r.starts("/-")) {
      ++depth;
      r.skip(2);
    } else if (r.starts("-/")) {
      --depth;
      r.skip(2);
    } else {
      r.skip();
    }
  } while (depth > 0);
}

std::string read_string(Reader& r) {
  const Place start = r.place;
  std::string out;
  r.skip();
  while (!r.done() && r.peek() != '"') {
    const size_t from = r.at;
    r.skip(r.peek() == '\\' ? 2 : 1);
    out += r.source.substr(from, r.at - from);
  }
  if (r.done()) throw SyntaxError("unterminated string", start);
  r.skip();
  return out;
}

// A name with dots: h₀, Nat.Prime, h.1, Finset.sum_range_succ.
std::string read_word(Reader& r) {
  const size_t from = r.at;
  for (;;) {
    while (const size_t n = name_character(r, r.at, r.at == from)) {
      r.skip();
      static_cast<void>(n);
    }
    const bool dotted = r.peek() == '.' && (name_character(r, r.at + 1, true) > 0 || is_digit(r.peek(1)));
    if (!dotted) return std::string(r.source.substr(from, r.at - from));
    r.skip(2);
  }
}

}  // namespace

std::vector<Token> lex(std::string_view source) {
  if (source.size() > max_source) throw SyntaxError("the source is too long", {});
  Reader r{source};
  std::vector<Token> out;
  int last_line = 0;
  bool space = true;
  while (!r.done()) {
    const char c = r.peek();
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      r.skip();
      space = true;
      continue;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) throw SyntaxError("a control character", r.place);
    if (r.starts("--")) {
      while (!r.done() && r.peek() != '\n') r.skip();
      space = true;
      continue;
    }
    if (r.starts("/-")) {
      skip_comment(r);
      space = true;
      continue;
    }
    Token t;
    t.place = r.place;
    t.offset = r.at;
    t.first_in_line = r.place.line != last_line;
    t.after_space = space;
    last_line = r.place.line;
    space = false;
    if (c == '"') {
      t.kind = Token::Kind::string;
      t.text = read_string(r);
    } else if (is_digit(c)) {
      t.kind = Token::Kind::number;
      while (is_digit(r.peek())) {
        t.text += r.peek();
        r.skip();
      }
    } else if (name_character(r, r.at, true) > 0) {
      t.kind = Token::Kind::word;
      t.text = read_word(r);
    } else {
      t.kind = Token::Kind::symbol;
      for (const auto& [spelled, symbol] : spellings) {
        if (!r.starts(spelled)) continue;
        t.text = symbol;
        const size_t end = r.at + spelled.size();
        while (r.at < end) r.skip();
        if (symbol.size() > 1 && begins_name(symbol[0])) t.kind = Token::Kind::word;
        break;
      }
      if (t.text.empty()) {
        const size_t from = r.at;
        r.skip();
        t.text = source.substr(from, r.at - from);
      }
    }
    out.push_back(std::move(t));
  }
  Token end;
  end.place = r.place;
  end.offset = source.size();
  end.first_in_line = true;
  out.push_back(end);
  return out;
}

}  // namespace posttrain::lean
