// Terms and formulas of the fragment: many-sorted, first order, bound variables by index (so equal up to renaming is
// equal). Immutable and shared. Every constructor checks sorts, size and depth; nothing ill-sorted exists.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lean/rational.h"

namespace posttrain::lean {

// nat ⊂ integer ⊂ rational ⊂ real ⊂ complex by casts.
enum class Sort : uint8_t { prop, nat, integer, rational, real, complex };
const char* sort_name(Sort sort);
inline bool is_field(Sort s) {
  return s >= Sort::rational;
}
inline bool is_integral(Sort s) {
  return s == Sort::nat || s == Sort::integer;
}
// The fragment has no order on the complex numbers.
inline bool is_ordered(Sort s) {
  return s >= Sort::nat && s <= Sort::real;
}

// clang-format off
enum class Op : uint8_t {
  // numbers
  literal, variable, bound, add, sub, mul, div, mod, pow, neg, inv, cast, abs, sqrt, nat_sqrt, gcd, lcm, factorial,
  choose, min, max, ite, sum, prod,
  // formulas
  true_, false_, and_, or_, imp, iff, forall, exists, eq, le, lt, dvd, prime,
};
// clang-format on

// The sorts don't fit, or a term is too large. The text says what a person should know.
class IllFormed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Node;
class Term {
 public:
  Term() = default;
  const Node* operator->() const { return node_.get(); }
  const Node& operator*() const { return *node_; }
  explicit operator bool() const { return node_ != nullptr; }
  friend bool operator==(const Term& a, const Term& b);
  friend bool operator!=(const Term& a, const Term& b) { return !(a == b); }

 private:
  friend Term finish(Node&& node);
  std::shared_ptr<const Node> node_;
};

struct Node {
  Op op;
  Sort sort;                 // of the value; prop for formulas
  Sort binder = Sort::prop;  // forall, exists, sum, prod: the sort of what they bind
  std::string name;          // variable: its identity; binders: a hint for printing
  Rational value;            // literal: the number; bound: the index
  std::vector<Term> args;    // variable: the arguments of a function; sum, prod: low, high (exclusive), body
  uint64_t hash = 0;
  int loose = 0;  // 1 + the largest index that is bound outside
  int size = 1, depth = 1;
};

struct TermHash {
  size_t operator()(const Term& t) const { return t->hash; }
};

// An order for canonical forms; any total order would do.
int compare(const Term& a, const Term& b);

// ---- constructors
Term literal(const Rational& value, Sort sort);  // naturals are >= 0, integers whole
Term variable(const std::string& name, Sort sort, std::vector<Term> args = {});
Term bound(int index, Sort sort);
// Any operator but the ones above, casts and binders.
Term make(Op op, std::vector<Term> args);
// From a smaller sort to a larger one; to the same sort it is the term itself.
Term cast(const Term& t, Sort to);
// Of forall and exists; body has index 0 for the bound variable.
Term quantify(Op op, Sort binder, const std::string& hint, const Term& body);
// sum or prod over low <= k < high of body; low and high are of sort `binder`, which is nat or integer.
Term fold(Op op, Sort binder, const std::string& hint, const Term& low, const Term& high, const Term& body);

Term top();
Term bottom();
Term negation(const Term& p);  // p → False
bool is_negation(const Term& t);

// ---- substitution
// The body of a binder with index 0 replaced by t, which has no loose indices.
Term instantiate(const Term& body, const Term& t);
// Index 0 for each free occurrence of the plain variable `name`: the inverse of instantiate.
Term abstract(const Term& t, const std::string& name, Sort sort);
Term substitute(const Term& t, const std::string& name, Sort sort, const Term& by);
// Each occurrence of `from` (no loose indices) replaced.
Term replace(const Term& t, const Term& from, const Term& by);
bool occurs(const Term& part, const Term& in);
bool has_variable(const Term& t, const std::string& name);
// Visits t and its parts, parents first; the visitor returns false to skip the parts of a term.
void visit(const Term& t, const std::function<bool(const Term&)>& see);
// The same node with other arguments, sorts checked anew.
Term with_args(const Term& t, std::vector<Term> args);

// In Lean's notation.
std::string print(const Term& t);

}  // namespace posttrain::lean
