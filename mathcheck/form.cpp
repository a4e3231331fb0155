#include "mathcheck/form.h"

#include <algorithm>
#include <array>

#include "mathcheck/named.h"

namespace posttrain::mathcheck {

namespace {

constexpr int spare_operations = 2;  // a fraction reduced otherwise, a sign moved

bool is_operation(Kind kind) {
  return (kind >= Kind::add && kind <= Kind::pow) || (kind >= Kind::root && kind <= Kind::product);
}

// What stays undone in an answer that is not worked out.
bool is_unevaluated(Kind kind) {
  return kind == Kind::factorial || kind == Kind::double_factorial || kind == Kind::binomial || kind == Kind::sum ||
         kind == Kind::product || kind == Kind::floor || kind == Kind::ceil || kind == Kind::abs ||
         kind == Kind::function || kind == Kind::log_base;
}

struct Shape {
  int operations = 0;
  std::array<bool, 64> kinds{};
};

Shape shape_of(const Tree& tree, int root) {
  Shape out;
  const std::vector<bool> below = tree.below(root);
  for (int node = 0; node <= root; ++node) {
    if (!below[static_cast<size_t>(node)]) continue;
    const Kind kind = tree.kind(node);
    out.kinds[static_cast<size_t>(kind)] = true;
    out.operations += is_operation(kind) ? 1 : 0;
  }
  return out;
}

// Without signs, brackets, units, percents and degrees.
int core(const Tree& tree, int node) {
  for (node = tree.bare(node); tree.kind(node) == Kind::neg || tree.kind(node) == Kind::quantity ||
                               tree.kind(node) == Kind::percent || tree.kind(node) == Kind::degree;)
    node = tree.bare(tree.kid(node, 0));
  return node;
}

// 7, 2/3, 1.5, 6.02 x 10^23.
bool is_numeral(const Tree& tree, int node) {
  node = core(tree, node);
  if (tree.kind(node) == Kind::number) return true;
  const auto number = [&](int n) { return tree.kind(core(tree, n)) == Kind::number; };
  if (tree.kind(node) == Kind::div) return number(tree.kid(node, 0)) && number(tree.kid(node, 1));
  if (tree.kind(node) != Kind::mul || !number(tree.kid(node, 0))) return false;
  const int power = tree.bare(tree.kid(node, 1));
  if (tree.kind(power) != Kind::pow || !number(tree.kid(power, 1))) return false;
  const int base = tree.bare(tree.kid(power, 0));
  return tree.kind(base) == Kind::number && tree.literal(base).value == Rational(10);
}

int value_of(Case& c, int node) {
  const auto named = named_value(c, node);
  return c.tree.bare(named ? named->value : node);
}

}  // namespace

bool fits_form(Case& c, int gold, int pred, Form form) {
  if (form == Form::any) return true;
  Tree& tree = c.tree;
  gold = value_of(c, gold);
  pred = value_of(c, pred);
  if (is_numeral(tree, gold)) return is_numeral(tree, pred);
  const Shape wanted = shape_of(tree, gold), given = shape_of(tree, pred);
  for (size_t kind = 0; kind < given.kinds.size(); ++kind) {
    if (given.kinds[kind] && !wanted.kinds[kind] && is_unevaluated(static_cast<Kind>(kind))) return false;
  }
  if (given.operations > wanted.operations + spare_operations) return false;
  if (form == Form::evaluated) return true;
  const auto family = [&](int node) {
    const Kind kind = tree.kind(core(tree, node));
    return kind == Kind::sub ? Kind::add : kind;
  };
  return family(gold) == family(pred);
}

}  // namespace posttrain::mathcheck
