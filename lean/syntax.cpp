#include "lean/syntax.h"

#include <array>

namespace posttrain::lean {
using Kind = Syntax::Kind;

namespace {

struct Infix {
  std::string_view text;
  int own, left, right;
};
constexpr std::array<Infix, 17> infixes = {{{"↔", 20, 21, 21},
                                            {"→", 25, 26, 25},
                                            {"∨", 30, 31, 30},
                                            {"∧", 35, 36, 35},
                                            {"=", 50, 51, 51},
                                            {"≠", 50, 51, 51},
                                            {"<", 50, 51, 51},
                                            {"≤", 50, 51, 51},
                                            {">", 50, 51, 51},
                                            {"≥", 50, 51, 51},
                                            {"∣", 50, 51, 51},
                                            {"∈", 50, 51, 51},
                                            {"+", 65, 65, 66},
                                            {"-", 65, 65, 66},
                                            {"*", 70, 70, 71},
                                            {"/", 70, 70, 71},
                                            {"%", 70, 70, 71}}};

// Words that can't be names.
bool reserved(std::string_view word) {
  for (const std::string_view w :
       {"at", "with", "by",      "fun",   "from",    "then", "else", "if",    "in",   "have", "show",
        "do", "let",  "theorem", "lemma", "example", "def",  "end",  "using", "case", "calc", "open"})
    if (w == word) return true;
  return false;
}

}  // namespace

Parser::Parser(std::string_view source) : tokens_(lex(source)) {}

void Parser::fail(const std::string& expected) const {
  const Token& t = tokens_[at_];
  throw SyntaxError("expected " + expected + ", got " + (t.kind == Token::Kind::end ? "the end" : "'" + t.text + "'"),
                    t.place);
}

bool Parser::visible() const {
  const Token& t = tokens_[at_];
  if (t.kind == Token::Kind::end) return false;
  return !t.first_in_line || at_ == own_line_ || t.place.column > column_;
}

void Parser::expect(std::string_view symbol) {
  if (!accept(symbol)) fail("'" + std::string(symbol) + "'");
}

bool Parser::accept(std::string_view symbol) {
  if (!at(symbol)) return false;
  ++at_;
  return true;
}

Syntax Parser::node(Kind kind, const std::string& text) const {
  Syntax s;
  s.kind = kind;
  s.text = text;
  s.place = tokens_[at_].place;
  s.begin = tokens_[at_].offset;
  return s;
}

Syntax Parser::finish(Syntax s) const {
  const Token& last = tokens_[at_ == 0 ? 0 : at_ - 1];
  s.end = last.offset + last.text.size();
  return s;
}

std::string Parser::name() {
  if (!visible() || token().kind != Token::Kind::word || reserved(token().text)) fail("a name");
  return tokens_[at_++].text;
}

Syntax Parser::term(int precedence) {
  const Deeper deeper(*this);
  Syntax left = head();
  const int head_precedence = left.is(Kind::prefix, "¬") ? 40 : left.is(Kind::prefix, "-") ? 75 : 1000;
  int current = head_precedence;
  for (;;) {
    if (!visible()) return left;
    const Token& t = token();
    if (t.is("^") && precedence <= 75 && current >= 76) {
      Syntax s = left;
      s.kind = Kind::infix;
      s.text = "^";
      ++at_;
      s.kids = {std::move(left), term(75)};
      left = finish(std::move(s));
      current = 75;
      continue;
    }
    if (t.is("≡") && precedence <= 50 && current >= 51) {
      Syntax s = left;
      ++at_;
      Syntax right = term(51);
      expect("[");
      const std::string kind = name();
      if (kind != "MOD" && kind != "ZMOD") fail("MOD or ZMOD");
      Syntax modulus = term();
      expect("]");
      s.kind = Kind::modular;
      s.text = kind;
      s.kids = {std::move(left), std::move(right), std::move(modulus)};
      left = finish(std::move(s));
      current = 50;
      continue;
    }
    const Infix* found = nullptr;
    if (t.kind == Token::Kind::symbol)
      for (const Infix& i : infixes)
        if (t.text == i.text) found = &i;
    if (found == nullptr || found->own < precedence || current < found->left) return left;
    Syntax s = left;
    ++at_;
    s.kind = Kind::infix;
    s.text = found->text;
    Syntax right = term(found->right);
    s.kids = {std::move(left), std::move(right)};
    left = finish(std::move(s));
    current = found->own;
  }
}

Syntax Parser::head() {
  if (!visible()) fail("a term");
  const Token& t = token();
  if (t.is("¬")) {
    Syntax s = node(Kind::prefix, "¬");
    ++at_;
    s.kids.push_back(term(40));
    return finish(std::move(s));
  }
  if (t.is("-")) {
    Syntax s = node(Kind::prefix, "-");
    ++at_;
    s.kids.push_back(term(75));
    return finish(std::move(s));
  }
  if (t.is("∀") || t.is("∃") || t.is("fun")) return quantifier();
  if (t.is("∑") || t.is("∏")) return folding();
  if (t.is("by")) {
    Syntax s = node(Kind::by);
    ++at_;
    s.kids = block();
    return finish(std::move(s));
  }
  return application();
}

bool Parser::starts_argument() const {
  if (!visible()) return false;
  const Token& t = token();
  if (t.kind == Token::Kind::number) return true;
  if (t.kind == Token::Kind::word) return t.text == "fun" || t.text == "by" || !reserved(t.text);
  if (t.is("|")) return !no_bar_ && t.after_space && false;
  return t.is("(") || t.is("⟨") || t.is("↑") || t.is("_") || t.is("?") || t.is("∀") || t.is("∃");
}

Syntax Parser::application() {
  Syntax function = postfixed(atom());
  if (!starts_argument() || function.kind == Kind::number) return function;
  Syntax s = function;
  s.kind = Kind::apply;
  s.text.clear();
  s.kids = {std::move(function)};
  while (starts_argument()) {
    if (at("fun") || at("by") || at("∀") || at("∃")) {
      s.kids.push_back(head());
      break;
    }
    s.kids.push_back(postfixed(atom()));
  }
  // f x ! is (f x)! only with the parentheses; the factorial binds to the last argument.
  return finish(std::move(s));
}

Syntax Parser::postfixed(Syntax inner) {
  for (;;) {
    if (!visible()) return inner;
    const bool factorial = token().is("!") && (inner.kind == Kind::number || inner.kind == Kind::name ||
                                               inner.kind == Kind::typed || inner.kind == Kind::infix);
    if (token().is("⁻¹") || factorial) {
      Syntax s = inner;
      s.kind = Kind::postfix;
      s.text = token().text;
      ++at_;
      s.kids = {std::move(inner)};
      inner = finish(std::move(s));
      continue;
    }
    // ( ... ).1 and ( ... ).symm: the dot touches.
    if (token().is(".") && !token().after_space && at_ + 1 < tokens_.size() && !tokens_[at_ + 1].after_space) {
      const Token& field = tokens_[at_ + 1];
      if (field.kind == Token::Kind::word || field.kind == Token::Kind::number) {
        Syntax s = inner;
        s.kind = Kind::postfix;
        s.text = "." + field.text;
        at_ += 2;
        s.kids = {std::move(inner)};
        inner = finish(std::move(s));
        continue;
      }
    }
    return inner;
  }
}

Syntax Parser::atom() {
  if (!visible()) fail("a term");
  const Token& t = token();
  Syntax s = node(Kind::name, t.text);
  if (t.kind == Token::Kind::number) {
    s.kind = Kind::number;
    ++at_;
    return finish(std::move(s));
  }
  if (t.is("_")) {
    s.kind = Kind::hole;
    ++at_;
    return finish(std::move(s));
  }
  if (t.is("?")) {
    ++at_;
    accept("_") || (name(), true);
    s.kind = Kind::hole;
    s.text = "?";
    return finish(std::move(s));
  }
  if (t.is("(")) return parenthesised();
  if (t.is("↑")) {
    ++at_;
    s.kind = Kind::prefix;
    s.kids.push_back(postfixed(atom()));
    return finish(std::move(s));
  }
  if (t.is("|")) {
    ++at_;
    s.kind = Kind::prefix;
    s.text = "abs";
    s.kids.push_back(term());
    expect("|");
    return finish(std::move(s));
  }
  if (t.is("⟨")) {
    ++at_;
    s.kind = Kind::tuple;
    s.text.clear();
    do s.kids.push_back(term());
    while (accept(","));
    expect("⟩");
    return finish(std::move(s));
  }
  if (t.kind == Token::Kind::word && !reserved(t.text)) {
    s.kind = t.text == "_" ? Kind::hole : Kind::name;
    ++at_;
    return finish(std::move(s));
  }
  fail("a term");
}

Syntax Parser::parenthesised() {
  Syntax s = node(Kind::typed);
  expect("(");
  const int column = column_;
  column_ = -1;  // inside parentheses only the brackets count
  const bool bar = no_bar_;
  no_bar_ = false;
  Syntax inner = term();
  if (accept(":")) {
    s.kids = {std::move(inner), term()};
  } else {
    s.kids = {std::move(inner)};
  }
  expect(")");
  column_ = column;
  no_bar_ = bar;
  return finish(std::move(s));
}

std::vector<Syntax> Parser::bound_names() {
  std::vector<Syntax> out;
  while (visible() && (token().kind == Token::Kind::word || at("_")) && (at("_") || !reserved(token().text))) {
    out.push_back(node(Kind::bound, token().text));
    ++at_;
  }
  if (out.empty()) fail("a name");
  return out;
}

std::vector<Syntax> Parser::binders() {
  std::vector<Syntax> out;
  while (at("(") || at("{")) {
    const bool implicit = at("{");
    const std::string close = implicit ? "}" : ")";
    ++at_;
    std::vector<Syntax> names = bound_names();
    expect(":");
    const Syntax type = term();
    expect(close);
    for (Syntax& n : names) {
      n.kids = {type};
      if (implicit) n.kids.emplace_back();
      out.push_back(std::move(n));
    }
  }
  return out;
}

Syntax Parser::quantifier() {
  Syntax s = node(Kind::binder, token().text);
  ++at_;
  if (s.text == "∃" && accept("!")) s.text = "∃!";
  const std::string arrow = s.text == "fun" ? "=>" : ",";
  if (at("(")) {
    while (at("(")) {
      ++at_;
      std::vector<Syntax> names = bound_names();
      Syntax type;
      if (accept(":")) type = term();
      expect(")");
      for (Syntax& n : names) {
        if (type.kind != Kind::absent) n.kids = {type};
        s.kids.push_back(std::move(n));
      }
    }
  } else {
    s.kids = bound_names();
    if (accept(":")) {
      const Syntax type = term();
      for (Syntax& n : s.kids) n.kids = {type};
    } else if (s.text != "fun" && s.kids.size() >= 1) {
      // ∀ x > 0, p: the condition becomes the premise (∀) or a conjunct (∃)
      for (const std::string_view relation : {">", "<", "≥", "≤", "≠", "∈", "∣"}) {
        if (!at(relation)) continue;
        Syntax guard = node(Kind::infix, std::string(relation));
        ++at_;
        Syntax x = s.kids.back();
        x.kind = Kind::name;
        guard.kids = {x, term(51)};
        expect(",");
        Syntax body = guard;
        body.kind = Kind::infix;
        body.text = s.text == "∀" ? "→" : "∧";
        Syntax rest = term();
        body.kids = {std::move(guard), std::move(rest)};
        s.kids.push_back(finish(std::move(body)));
        return finish(std::move(s));
      }
    }
  }
  expect(arrow);
  s.kids.push_back(term());
  return finish(std::move(s));
}

Syntax Parser::folding() {
  Syntax s = node(Kind::fold, token().text);
  ++at_;
  const bool bracket = accept("(");
  Syntax bound = node(Kind::bound, name());
  if (accept(":")) bound.kids = {term(51)};
  if (bracket) expect(")");
  if (!accept("in")) expect("∈");
  Syntax set = term(51);
  expect(",");
  s.kids = {std::move(bound), std::move(set), term(67)};
  return finish(std::move(s));
}

}  // namespace posttrain::lean
