#include "rewards/math/ratio.h"

#include "rewards/math/evaluate.h"

namespace posttrain::rewards::math {

namespace {

// 10:45, with a second member of two figures below 60.
bool is_clock(const Tree& t, int node) {
  const int n = t.at(node).count;
  if (n < 2 || n > 3) return false;
  for (int i = 0; i < n; ++i) {
    const int member = t.bare(t.kid(node, i));
    if (t.kind(member) != Kind::number || !t.literal(member).plain_integer) return false;
    const auto value = t.literal(member).value.to_long();
    if (!value || *value > (i == 0 ? 24 : 59)) return false;
    if (i > 0 && *value < 10) return *value == 0;
  }
  return true;
}

}  // namespace

Same compare_ratios(Case& c, int a, int b) {
  Tree& t = c.tree;
  c.method = "ratio";
  if (t.kind(a) != Kind::ratio || t.kind(b) != Kind::ratio) {
    const int ratio = t.kind(a) == Kind::ratio ? a : b, other = t.kind(a) == Kind::ratio ? b : a;
    if (t.at(ratio).count != 2 || !t.is_scalar(other)) return Same::no;
    const int quotient = t.add(Kind::div, {t.kid(ratio, 0), t.kid(ratio, 1)});
    return t.is_scalar(quotient) ? compare_scalars(c, quotient, other) : Same::no;
  }
  if (t.at(a).count != t.at(b).count) return Same::no;
  const bool clock = is_clock(t, a) && is_clock(t, b);
  Same out = Same::yes;
  for (int i = clock ? 0 : 1; i < t.at(a).count && out == Same::yes; ++i) {
    const int x = t.kid(a, i), y = t.kid(b, i);
    if (!t.is_scalar(x) || !t.is_scalar(y) || !t.is_scalar(t.kid(a, 0)) || !t.is_scalar(t.kid(b, 0))) return Same::no;
    out = clock ? compare_scalars(c, x, y)
                : compare_scalars(c, t.add(Kind::mul, {x, t.kid(b, 0)}), t.add(Kind::mul, {y, t.kid(a, 0)}));
  }
  return out;
}

}  // namespace posttrain::rewards::math
