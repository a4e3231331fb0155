// From syntax to terms: Lean's rules for sorts, numerals and coercions (the binop% elaborator: the largest sort among
// the leaves of an arithmetic tree wins, coercions go to the leaves, lone numerals are natural numbers).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lean/syntax.h"
#include "lean/term.h"

namespace posttrain::lean {

struct Variable {
  std::string name;  // as written
  std::string id;    // as in terms; differs where a name is shadowed
  std::vector<Sort> args;
  Sort sort = Sort::nat;
};

// The text is not of the fragment, or not well typed.
class ElaborationError : public SyntaxError {
 public:
  using SyntaxError::SyntaxError;
};

class Elaborator {
 public:
  explicit Elaborator(std::vector<Variable> scope) : scope_(std::move(scope)) {}

  Term formula(const Syntax& s);
  // A number of the expected sort, or of its own where none is expected.
  Term number(const Syntax& s, std::optional<Sort> expected = {});
  // What a type such as ℝ → ℝ says: the arguments' sorts and the result; nothing when it is a formula.
  static std::optional<Variable> type(const Syntax& s);
  std::optional<Sort> infer(const Syntax& s);
  const std::vector<Variable>& scope() const { return scope_; }
  void push(Variable v) { scope_.push_back(std::move(v)); }

 private:
  const Variable* find(std::string_view name) const;
  Term build(const Syntax& s, Sort sort);
  Term leaf(const Syntax& s, Sort sort);
  Term call(const Syntax& head, const std::vector<Syntax>& args, Sort sort);
  Term relation(const Syntax& s, Op op, const Syntax& left, const Syntax& right);
  Term binder(const Syntax& s, size_t from);
  Term under(const Syntax& bound, Sort sort, const std::function<Term()>& body, std::string& id);
  Term predicate(const Syntax& s, const std::string& name, const std::vector<Syntax>& args);
  Term folded(const Syntax& s, Sort sort);
  Term fold_over(Op op, const Syntax& at, const std::string& name, std::optional<Sort> sort, const Syntax& set,
                 const std::function<Term(const Term&)>& body, Sort result);
  Term membership(const Syntax& element, const Syntax& set);
  std::optional<Sort> guess(const std::string& name, const Syntax& body);
  std::optional<Sort> infer_set(const Syntax& set);

  std::vector<Variable> scope_;
  int fresh_ = 0;
};

// theorem name (binders) : goal
struct Statement {
  std::string name;
  std::vector<Variable> variables;
  std::vector<std::pair<std::string, Term>> hypotheses;
  Term goal;
};

// Reads "theorem f (x : ℕ) (h : x < 3) : x ≤ 2 := by"; what follows the goal must be ":= by", ":= by sorry", ":=" or
// nothing. Throws SyntaxError.
Statement read_statement(std::string_view source);

}  // namespace posttrain::lean
