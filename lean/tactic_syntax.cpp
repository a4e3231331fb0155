// The shapes of tactics. A tactic's kids, by its name:
//   have: bound (text: name or empty; kid: the type if given), the proof; obtain, rcases: pattern, term (, type)
//   cases, induction: term, then alternatives (names: constructor and names; kid 0: by)
//   rw, simp...: names "[" (kids: terms, prefix ← for reversed), names "at"; linarith...: names "["
//   first, try, repeat, all_goals, any_goals, ·, (: by nodes; <;>: two tactics; calc: steps as typed (relation, proof)
#include <algorithm>
#include <array>

#include "lean/syntax.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

struct TacticParser {
  Parser& p;

  Syntax sequence() {  // a by node
    Syntax s = p.node(Kind::by);
    s.kids = p.block();
    return p.finish(std::move(s));
  }

  Syntax pattern(bool alternatives) {
    Syntax s = p.node(Kind::hole);
    if (p.accept("⟨")) {
      s.kind = Kind::tuple;
      do s.kids.push_back(pattern(true));
      while (p.accept(","));
      p.expect("⟩");
    } else if (p.accept("(")) {
      s = pattern(true);
      if (p.accept(":")) p.term();
      p.expect(")");
    } else if (p.accept("_") || p.accept("-")) {
    } else {
      s.kind = Kind::name;
      s.text = p.name();
    }
    if (!alternatives || !p.at("|")) return s;
    Syntax either = s;
    either.kind = Kind::infix;
    either.text = "|";
    either.kids = {std::move(s)};
    while (p.accept("|")) either.kids.push_back(pattern(false));
    return either;
  }

  void list(Syntax& into) {
    Syntax l = p.node(Kind::names, "[");
    if (p.accept("[")) {
      while (!p.at("]")) {
        Syntax item = p.node(Kind::prefix, "←");
        if (p.at("-") || p.at("*")) {  // simp [-h], simp [*]
          item = p.node(Kind::name, p.token().text);
          ++p.at_;
          if (item.text == "-") p.term();
        } else if (p.accept("←")) {
          item.kids.push_back(p.term());
        } else {
          item = p.term();
        }
        l.kids.push_back(std::move(item));
        if (!p.accept(",")) break;
      }
      p.expect("]");
    }
    into.kids.push_back(std::move(l));
  }

  void location(Syntax& into) {
    Syntax l = p.node(Kind::names, "at");
    if (p.accept("at")) {
      while (p.visible() && (p.at("*") || p.at("⊢") || p.token().kind == Token::Kind::word)) {
        l.kids.push_back(p.node(Kind::name, p.token().text));
        ++p.at_;
      }
      if (l.kids.empty()) p.fail("a hypothesis");
    }
    into.kids.push_back(std::move(l));
  }

  void have(Syntax& s, bool pattern_allowed) {
    Syntax bound = p.node(Kind::bound);
    if (pattern_allowed && p.at("⟨")) {
      s.text = "obtain";
      obtain(s);
      return;
    }
    if (!p.at(":") && !p.at(":=")) {
      bound.text = p.name();
      while (p.at("(")) p.fail("a statement without parameters");
    }
    if (p.accept(":")) bound.kids.push_back(p.term());
    p.expect(":=");
    s.kids.push_back(std::move(bound));
    s.kids.push_back(p.term());
  }

  void obtain(Syntax& s) {
    s.kids.push_back(pattern(true));
    Syntax type;
    if (p.accept(":")) type = p.term();
    p.expect(":=");
    s.kids.push_back(p.term());
    if (type.kind != Kind::absent) s.kids.push_back(std::move(type));
  }

  void cases(Syntax& s) {
    s.kids.push_back(p.term());
    const int column = p.column_;
    if (!p.accept("with")) return;
    const auto bar = [&] {
      return p.tokens_[p.at_].is("|") && (p.tokens_[p.at_].place.column >= column || !p.tokens_[p.at_].first_in_line);
    };
    while (bar()) {
      ++p.at_;
      Syntax alternative = p.node(Kind::names);
      alternative.kids.emplace_back();
      do {
        alternative.kids.push_back(p.node(Kind::name, p.at("_") ? "_" : p.token().text));
        ++p.at_;
      } while (p.visible() && !p.at("=>"));
      p.expect("=>");
      alternative.kids[0] = sequence();
      s.kids.push_back(p.finish(std::move(alternative)));
    }
  }

  void calc(Syntax& s) {
    const int outer = p.column_;
    bool first = true;
    for (;;) {
      const Token& t = p.tokens_[p.at_];
      if (t.kind == Token::Kind::end || (!first && !(t.is("_") && t.first_in_line && t.place.column > outer))) break;
      int column = t.place.column;
      if (first && !t.first_in_line) {
        for (size_t i = p.at_; i < p.tokens_.size(); ++i)
          if (p.tokens_[i].first_in_line && p.tokens_[i].place.column <= outer)
            break;
          else if (p.tokens_[i].first_in_line && p.tokens_[i].is("_")) {
            column = p.tokens_[i].place.column;
            break;
          }
        column = std::max(column > t.place.column ? t.place.column : column, outer + 1);
      }
      p.column_ = column;
      p.own_line_ = p.at_;
      Syntax step = p.node(Kind::typed);
      step.kids.push_back(p.term());
      p.expect(":=");
      step.kids.push_back(p.term());
      s.kids.push_back(p.finish(std::move(step)));
      p.column_ = outer;
      first = false;
    }
  }

  Syntax one() {
    const Parser::Deeper deeper(p);
    Syntax s = simple();
    while (p.at("<;>")) {
      Syntax both = s;
      both.text = "<;>";
      both.kind = Kind::tactic;
      ++p.at_;
      Syntax second = simple();
      both.kids = {std::move(s), std::move(second)};
      s = p.finish(std::move(both));
    }
    return s;
  }

  Syntax simple();
};

namespace {

template <size_t N>
bool among(const std::string& word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, std::string_view(word)) != words.end();
}

constexpr std::array<std::string_view, 22> plain = {
    "constructor", "left",       "right",    "rfl",           "ring",    "ring_nf", "omega", "decide",
    "positivity",  "assumption", "trivial",  "contradiction", "exfalso", "symm",    "tauto", "skip",
    "norm_cast",   "push_cast",  "push_neg", "split_ands",    "done",    "aesop"};
constexpr std::array<std::string_view, 7> one_term = {
    "exact", "apply", "refine", "show", "specialize", "linear_combination", "change"};
constexpr std::array<std::string_view, 9> rewriting = {"rw",      "simp",    "norm_num",  "field_simp", "simp_all",
                                                       "rewrite", "ring_nf", "norm_cast", "push_cast"};
constexpr std::array<std::string_view, 6> blocks = {"try", "repeat", "all_goals", "any_goals", "·", "."};

}  // namespace

Syntax TacticParser::simple() {
  if (!p.visible()) p.fail("a tactic");
  Syntax s = p.node(Kind::tactic, p.token().text);
  std::string& name = s.text;
  const bool symbol = p.token().kind == Token::Kind::symbol;
  if (symbol && !p.at("·") && !p.at(".") && !p.at("(")) p.fail("a tactic");
  if (!symbol && p.token().kind != Token::Kind::word) p.fail("a tactic");
  ++p.at_;
  if (name == "(") {
    do {
      if (p.at(")")) break;
      s.kids.push_back(one());
    } while (p.accept(";"));
    p.expect(")");
  } else if (among(name, rewriting)) {
    if (p.visible() && p.at("only")) {
      ++p.at_;
      name += " only";
    }
    list(s);
    location(s);
  } else if (among(name, plain) || name == "subst_vars") {
    location(s);
  } else if (among(name, one_term)) {
    s.kids.push_back(p.term());
  } else if (among(name, blocks)) {
    if (name == ".") name = "·";
    s.kids.push_back(sequence());
  } else if (name == "first") {
    while (p.accept("|")) s.kids.push_back(sequence());
    if (s.kids.empty()) p.fail("'|'");
  } else if (name == "intro" || name == "intros" || name == "rintro") {
    while (p.visible() && (p.at("⟨") || p.at("_") || p.at("(") || (p.token().kind == Token::Kind::word)))
      s.kids.push_back(pattern(false));
  } else if (name == "use" || name == "exists") {
    do s.kids.push_back(p.term());
    while (p.accept(","));
  } else if (name == "have") {
    have(s, true);
  } else if (name == "obtain") {
    obtain(s);
  } else if (name == "rcases") {
    Syntax term = p.term();
    if (p.accept("with"))
      s.kids.push_back(pattern(true));
    else
      s.kids.push_back(p.node(Kind::hole));
    s.kids.push_back(std::move(term));
  } else if (name == "cases" || name == "induction") {
    cases(s);
  } else if (name == "cases'" || name == "induction'") {
    s.kids.push_back(p.term());
    if (p.accept("with"))
      while (p.visible() && (p.at("_") || p.token().kind == Token::Kind::word)) {
        s.kids.push_back(p.node(Kind::name, p.token().text));
        ++p.at_;
      }
  } else if (name == "linarith" || name == "nlinarith") {
    list(s);
  } else if (name == "by_cases") {
    Syntax first = p.term();
    if (p.accept(":"))
      s.kids = {std::move(first), p.term()};
    else
      s.kids = {p.node(Kind::hole), std::move(first)};
  } else if (name == "by_contra" || name == "by_contra'" || name == "interval_cases" || name == "subst" ||
             name == "clear" || name == "exfalso") {
    while (p.visible() && (p.token().kind == Token::Kind::word) && !p.at("at")) {
      s.kids.push_back(p.node(Kind::name, p.token().text));
      ++p.at_;
    }
  } else if (name == "calc") {
    calc(s);
  } else {
    throw SyntaxError("unsupported tactic '" + name + "'", s.place);
  }
  return p.finish(std::move(s));
}

std::vector<Syntax> Parser::block() {
  const Token& start = tokens_[at_];
  if (start.kind == Token::Kind::end || (start.first_in_line && start.place.column <= column_ && at_ != own_line_))
    fail("a tactic");
  const int outer = column_;
  const size_t outer_line = own_line_;
  column_ = start.place.column;
  std::vector<Syntax> out;
  for (;;) {
    own_line_ = at_;
    out.push_back(TacticParser{*this}.one());
    if (accept(";")) {
      if (!visible()) break;
      continue;
    }
    const Token& next = tokens_[at_];
    if (next.kind == Token::Kind::end || !next.first_in_line || next.place.column != column_) break;
  }
  column_ = outer;
  own_line_ = outer_line;
  return out;
}

}  // namespace posttrain::lean
