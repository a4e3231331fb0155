#include "mathcheck/tree.h"

#include <algorithm>

#include "mathcheck/budget.h"

namespace posttrain::mathcheck {

int Tree::add(Kind kind, std::span<const int> children, uint8_t op, int index) {
  Node node{kind, op, index, static_cast<int32_t>(kids_.size()), static_cast<int32_t>(children.size())};
  bool scalar = is_scalar_kind(kind);
  // A sum's lower limit is a relation by nature.
  const size_t from = kind == Kind::sum || kind == Kind::product ? 1 : 0;
  for (size_t i = from; i < children.size(); ++i) scalar = scalar && scalar_[static_cast<size_t>(children[i])];
  const std::vector<int> safe(children.begin(), children.end());  // `children` may point into kids_
  kids_.insert(kids_.end(), safe.begin(), safe.end());
  nodes_.push_back(node);
  scalar_.push_back(scalar);
  return size() - 1;
}

int Tree::number(Literal literal) {
  literals_.push_back(std::move(literal));
  return add(Kind::number, {}, 0, static_cast<int>(literals_.size()) - 1);
}

int Tree::intern(std::string_view name) {
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) return static_cast<int>(found - names_.begin());
  if (names_.size() >= 250) throw OverBudget{};
  names_.emplace_back(name);
  return static_cast<int>(names_.size()) - 1;
}

int Tree::bare(int node) const {
  while (kind(node) == Kind::paren) node = kid(node, 0);
  return node;
}

std::vector<bool> Tree::below(int root) const {
  std::vector<bool> seen(static_cast<size_t>(root) + 1);
  seen[static_cast<size_t>(root)] = true;
  for (int node = root; node >= 0; --node) {
    if (!seen[static_cast<size_t>(node)]) continue;
    for (const int child : kids(node)) seen[static_cast<size_t>(child)] = true;
  }
  return seen;
}

int Tree::rebuild(int root, const std::function<int(int, const std::vector<int>&)>& replace) {
  const std::vector<bool> wanted = below(root);
  std::vector<int> target(static_cast<size_t>(root) + 1, -1);
  std::vector<int> children;
  for (int node = 0; node <= root; ++node) {
    const auto i = static_cast<size_t>(node);
    if (!wanted[i]) continue;
    target[i] = replace(node, target);
    if (target[i] >= 0) continue;
    children.clear();
    bool changed = false;
    for (const int child : kids(node)) {
      children.push_back(target[static_cast<size_t>(child)]);
      changed = changed || children.back() != child;
    }
    const Node original = at(node);
    target[i] = changed ? add(original.kind, children, original.op, original.index) : node;
  }
  return target[static_cast<size_t>(root)];
}

int Tree::substitute(int root, int name, int value) {
  return rebuild(root, [&](int node, const std::vector<int>&) {
    return kind(node) == Kind::symbol && at(node).index == name ? value : -1;
  });
}

int Tree::replace_imaginary(int root, int value) {
  return rebuild(root, [&](int node, const std::vector<int>&) { return kind(node) == Kind::imaginary ? value : -1; });
}

int Tree::choose_sign(int root, int sign) {
  return rebuild(root, [&](int node, const std::vector<int>& target) {
    const Kind k = kind(node);
    if (k != Kind::plus_minus && k != Kind::minus_plus) return -1;
    const bool plus = (k == Kind::plus_minus) == (sign > 0);
    const int a = target[static_cast<size_t>(kid(node, 0))], b = target[static_cast<size_t>(kid(node, 1))];
    return add(plus ? Kind::add : Kind::sub, {a, b});
  });
}

bool Tree::same(int a, int b) const {
  std::vector<std::pair<int, int>> open{{a, b}};
  for (size_t steps = 0; !open.empty(); ++steps) {
    if (steps > 20'000) return false;
    auto [x, y] = open.back();
    open.pop_back();
    x = bare(x);
    y = bare(y);
    if (x == y) continue;
    const Node &m = at(x), &n = at(y);
    if (m.kind != n.kind || m.op != n.op || m.count != n.count) return false;
    if (m.kind == Kind::number && !(literal(x).value == literal(y).value)) return false;
    if ((m.kind == Kind::symbol || m.kind == Kind::text || m.kind == Kind::matrix) && m.index != n.index) return false;
    if (m.kind == Kind::quantity && m.index != n.index) return false;
    for (int i = 0; i < m.count; ++i) {
      if (m.kind == Kind::relation && i > 0 && relation(x, i - 1) != relation(y, i - 1)) return false;
      open.emplace_back(kid(x, i), kid(y, i));
    }
  }
  return true;
}

}  // namespace posttrain::mathcheck
