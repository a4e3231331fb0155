// The parsed answer: nodes in an array, children before parents, so every walk is a loop and depth costs no stack.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mathcheck/number.h"
#include "mathcheck/units.h"

namespace posttrain::mathcheck {

enum class Kind : uint8_t {
  // Scalars.
  number,
  symbol,
  pi,
  euler,
  imaginary,
  infinity,
  add,
  sub,
  mul,
  div,
  pow,
  neg,
  paren,
  root,  // x, index
  factorial,
  double_factorial,
  abs,
  floor,
  ceil,
  function,  // op = Function
  log_base,  // base, x
  binomial,  // n, k
  sum,
  product,  // lower (a relation k = m), upper, body
  degree,
  percent,
  plus_minus,
  minus_plus,  // a, b
  quantity,    // x with the unit `index`
  // Structures.
  text,      // names[index], normalised
  phrase,    // a value beside words that change what it says
  list,      // op = Separator; unordered, without brackets
  bracket,   // op = opening and closing bracket; ordered, or an interval
  set,       // braces
  given,     // set builder or condition: left | right
  matrix,    // index rows, op unused; children row by row
  relation,  // children chained by relations[index ...]
  set_union,
  set_intersection,
  set_difference,
  ratio,  // a : b : c
  empty_set,
  number_set,  // op = letter of R, Q, Z, N, C
  call,        // name, arguments
};

enum class Function : uint8_t {
  sin,
  cos,
  tan,
  cot,
  sec,
  csc,
  asin,
  acos,
  atan,
  acot,
  asec,
  acsc,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  ln,
  log /* of base 10 or e: both are in use */,
  exp,
  max,
  min,
  gcd,
  lcm,
  real,
  imag,
  conjugate,
  sign,
  cis,
  det,
};

enum class Relation : uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  approx,
  in,
  equivalent,
  other
};
enum class Separator : uint8_t { comma, and_, or_ };

// A number as it was written: what may be a rounded value, and what may start a mixed number.
struct Literal {
  Rational value;
  int digits = 0;     // significant digits as written
  int last_unit = 0;  // the last digit stands for 10^last_unit
  bool decimal = false;
  bool plain_integer = false;
};

struct Node {
  Kind kind;
  uint8_t op = 0;
  int32_t index = -1;  // of a literal, name, unit, relation; rows of a matrix
  int32_t first = 0;   // into kids
  int32_t count = 0;
};

class Tree {
 public:
  int add(Kind kind, std::span<const int> children, uint8_t op = 0, int index = -1);
  int add(Kind kind, std::initializer_list<int> children = {}, uint8_t op = 0, int index = -1) {
    return add(kind, std::span(children.begin(), children.size()), op, index);
  }
  int number(Literal literal);
  int number(const Rational& value) { return number(Literal{.value = value}); }
  int symbol(std::string_view name) { return add(Kind::symbol, {}, 0, intern(name)); }
  int text(std::string_view words) { return add(Kind::text, {}, 0, intern(words)); }
  int intern(std::string_view name);

  const Node& at(int node) const { return nodes_[static_cast<size_t>(node)]; }
  Kind kind(int node) const { return at(node).kind; }
  std::span<const int> kids(int node) const {
    return std::span(kids_).subspan(static_cast<size_t>(at(node).first), static_cast<size_t>(at(node).count));
  }
  int kid(int node, int i) const { return kids(node)[static_cast<size_t>(i)]; }
  const Literal& literal(int node) const { return literals_[static_cast<size_t>(at(node).index)]; }
  const std::string& name(int node) const { return names_[static_cast<size_t>(at(node).index)]; }
  const std::string& name_at(int index) const { return names_[static_cast<size_t>(index)]; }
  const Unit& unit(int node) const { return units[static_cast<size_t>(at(node).index)]; }
  Relation relation(int node, int i) const { return relations[static_cast<size_t>(at(node).index + i)]; }
  int size() const { return static_cast<int>(nodes_.size()); }

  // Without parentheses around it.
  int bare(int node) const;
  // True when the node and all below it are scalars.
  bool is_scalar(int node) const { return scalar_[static_cast<size_t>(node)]; }
  // Marks the nodes below `root`, itself included.
  std::vector<bool> below(int root) const;
  // A copy with every `symbol` name replaced by `value`.
  int substitute(int root, int name, int value);
  // A copy with every imaginary unit replaced by `value`: the i of \sum_{i=1}^n is a name.
  int replace_imaginary(int root, int value);
  // A copy in which a ± b becomes a + b (sign > 0) or a - b, and a ∓ b the opposite.
  int choose_sign(int root, int sign);
  // A copy in which `replace(node, done)` stands for the nodes for which it is not negative; done[n] is the copy of n,
  // and children come before their parents.
  int rebuild(int root, const std::function<int(int node, const std::vector<int>& done)>& replace);
  // True when both say the same, spelling of numbers aside.
  bool same(int a, int b) const;
  // For people and for names; long expressions are cut.
  std::string print(int root) const;

  std::vector<Unit> units;
  std::vector<Relation> relations;

 private:
  std::vector<Node> nodes_;
  std::vector<int> kids_;
  std::vector<Literal> literals_;
  std::vector<std::string> names_;
  std::vector<bool> scalar_;
};

inline bool is_scalar_kind(Kind kind) {
  return kind <= Kind::quantity;
}
const char* to_string(Function function);
const char* to_string(Relation relation);

}  // namespace posttrain::mathcheck
