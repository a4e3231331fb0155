// Lean text as trees: terms, statements and tactic scripts of the fragment. What it can't read is a SyntaxError.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lean/lexer.h"

namespace posttrain::lean {

struct Syntax {
  // clang-format off
  enum class Kind : uint8_t {
    number,    // text
    name,      // text
    hole,      // _ or ?_
    apply,     // kids: function, arguments
    infix,     // text: the operator; kids: two
    prefix,    // text: - ¬ ↑ abs; kids: one
    postfix,   // text: ⁻¹ ! or a projection (.1 .mp .symm); kids: one
    typed,     // kids: term, type
    binder,    // text: ∀ ∃ ∃! fun; kids: binders, then the body
    bound,     // one bound name: text; kids: its type, or nothing
    fold,      // text: ∑ ∏; kids: bound, set, body
    modular,   // text: MOD ZMOD; kids: three
    tuple,     // ⟨ ⟩
    by,        // kids: tactics
    tactic,    // text: its name; what the kids are depends on it
    names,     // text lists in kids (of a `with` or `at`)
    absent,
  };
  // clang-format on
  Kind kind = Kind::absent;
  std::string text;
  std::vector<Syntax> kids;
  Place place;
  size_t begin = 0, end = 0;  // bytes of the source

  bool is(Kind k, std::string_view t) const { return kind == k && text == t; }
};

// What stands inside parentheses that hold nothing but one term.
inline const Syntax& bare(const Syntax& s) {
  return s.kind == Syntax::Kind::typed && s.kids.size() == 1 ? bare(s.kids[0]) : s;
}

// A cursor over tokens with Lean's layout rule: inside a block, a token that starts a line at or left of the block's
// column ends the term before it.
class Parser {
 public:
  explicit Parser(std::string_view source);

  Syntax term(int precedence = 0);
  // The tactics of a script whose block starts at the next token's column.
  std::vector<Syntax> block();
  // (a b : ℝ) {c : ℝ} (h : a < b) ...: bound nodes, one for each name; an implicit one has a second kid.
  std::vector<Syntax> binders();

  bool at(std::string_view symbol) const { return visible() && tokens_[at_].is(symbol); }
  bool at_end() const { return tokens_[at_].kind == Token::Kind::end; }
  const Token& token() const { return tokens_[at_]; }
  void expect(std::string_view symbol);
  bool accept(std::string_view symbol);
  std::string name();
  [[noreturn]] void fail(const std::string& expected) const;

 private:
  friend struct TacticParser;
  struct Deeper {  // one level of nesting while it lives; deep input is refused
    explicit Deeper(Parser& p) : parser(p) {
      if (++parser.depth_ > 150) parser.fail("less nesting");
    }
    ~Deeper() { --parser.depth_; }
    Parser& parser;
  };

  // Whether the next token belongs to what is being read.
  bool visible() const;
  bool starts_argument() const;
  Syntax node(Syntax::Kind kind, const std::string& text = {}) const;
  Syntax finish(Syntax s) const;
  Syntax head();
  Syntax atom();
  Syntax postfixed(Syntax s);
  Syntax application();
  Syntax parenthesised();
  Syntax quantifier();
  Syntax folding();
  std::vector<Syntax> bound_names();

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int column_ = -1;      // of the innermost block
  size_t own_line_ = 0;  // the token that starts the tactic being read: visible although it starts a line
  int depth_ = 0;
  bool no_bar_ = false;  // inside |x|
};

}  // namespace posttrain::lean
