// Truth tables by the kernel's rules: excluded middle for each part that is not a connective.
#include <algorithm>

#include "lean/tactics.h"

namespace posttrain::lean {
namespace {

bool is_connective(Op op) {
  return op == Op::and_ || op == Op::or_ || op == Op::imp || op == Op::iff || op == Op::true_ || op == Op::false_;
}

void parts_of(const Term& t, std::vector<Term>& out) {
  if (!is_connective(t->op)) {
    if (std::ranges::find(out, t) == out.end()) out.push_back(t);
    return;
  }
  for (const Term& a : t->args) parts_of(a, out);
}

struct Table {
  const Kernel& k;
  std::vector<std::pair<Term, bool>> row = {};

  // ⊢ t or ⊢ ¬t from the row's assumptions.
  std::pair<bool, Theorem> value(const Term& t) const {
    k.budget().pay(2);
    for (const auto& [part, is] : row)
      if (part == t) return {is, k.assume(is ? part : negation(part))};
    if (t->op == Op::true_) return {true, k.truth()};
    if (t->op == Op::false_) return {false, k.imp_intro(t, k.assume(t))};
    const Term &x = t->args[0], &y = t->args[1];
    const auto [p, left] = value(x);
    const auto [q, right] = value(y);
    const auto refuted = [&](const Theorem& contradiction) { return k.imp_intro(t, contradiction); };
    const Theorem whole = k.assume(t);
    switch (t->op) {
      case Op::and_:
        if (p && q) return {true, k.and_intro(left, right)};
        return {false, refuted(k.imp_elim(p ? right : left, k.and_elim(whole, p)))};
      case Op::or_:
        if (p || q) return {true, k.or_intro(p ? left : right, t)};
        return {false, refuted(k.or_elim(whole, k.imp_elim(left, k.assume(x)), k.imp_elim(right, k.assume(y))))};
      case Op::imp:
        if (q) return {true, k.imp_intro(x, right)};
        if (!p) return {true, k.imp_intro(x, k.false_elim(k.imp_elim(left, k.assume(x)), y))};
        return {false, refuted(k.imp_elim(right, k.imp_elim(whole, left)))};
      default: {  // iff
        const auto implies = [&](const Term& a, bool va, const Theorem& ta, const Term& b, bool vb, const Theorem& tb) {
          return vb || !va ? std::optional(vb ? k.imp_intro(a, tb)
                                              : k.imp_intro(a, k.false_elim(k.imp_elim(ta, k.assume(a)), b)))
                           : std::nullopt;
        };
        const auto forward = implies(x, p, left, y, q, right), backward = implies(y, q, right, x, p, left);
        if (forward && backward) return {true, k.iff_intro(*forward, *backward)};
        if (p) return {false, refuted(k.imp_elim(right, k.imp_elim(k.iff_elim(whole, false), left)))};
        return {false, refuted(k.imp_elim(left, k.imp_elim(k.iff_elim(whole, true), right)))};
      }
    }
  }

  std::optional<Theorem> prove(const Term& t, const std::vector<Term>& parts, size_t from) {
    if (from == parts.size()) {
      const auto [is, theorem] = value(t);
      return is ? std::optional(theorem) : std::nullopt;
    }
    std::optional<Theorem> sides[2];
    for (const bool is : {true, false}) {
      row.emplace_back(parts[from], is);
      sides[is ? 0 : 1] = prove(t, parts, from + 1);
      row.pop_back();
      if (!sides[is ? 0 : 1]) return std::nullopt;
    }
    return k.or_elim(k.excluded_middle(parts[from]), *sides[0], *sides[1]);
  }
};

}  // namespace

std::optional<Theorem> tautology(const Kernel& kernel, const Term& formula) {
  if (!is_connective(formula->op)) return std::nullopt;
  std::vector<Term> parts;
  parts_of(formula, parts);
  if (parts.size() > 6) return std::nullopt;
  return Table{kernel}.prove(formula, parts, 0);
}

}  // namespace posttrain::lean
