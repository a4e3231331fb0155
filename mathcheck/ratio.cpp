#include "mathcheck/ratio.h"

#include <numeric>
#include <vector>

#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

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

// Reads as a time, and nobody would leave a ratio like that.
bool is_unreduced_clock(const Tree& t, int node) {
  if (!is_clock(t, node) || t.at(node).count != 2) return false;
  const auto first = t.literal(t.bare(t.kid(node, 0))).value.to_long(),
             second = t.literal(t.bare(t.kid(node, 1))).value.to_long();
  return *second >= 10 && std::gcd(*first, *second) > 1;
}

struct Clock {
  long seconds = 0;
  bool half_known = false;  // a half day is named, or the hour says it
};

// 3, 3:00 or 15:00:00, perhaps with a half day.
std::optional<Clock> clock_of(const Tree& t, int node) {
  std::optional<bool> afternoon;
  node = t.bare(node);
  if (t.kind(node) == Kind::quantity && is_noon(t.unit(node))) {
    afternoon = !t.unit(node).factor.is_zero();
    node = t.bare(t.kid(node, 0));
  }
  std::vector<int> members{node};
  if (t.kind(node) == Kind::ratio) {
    if (!is_clock(t, node)) return std::nullopt;
    members.assign(t.kids(node).begin(), t.kids(node).end());
  } else if (!afternoon || t.kind(node) != Kind::number || !t.literal(node).plain_integer) {
    return std::nullopt;
  }
  long parts[3] = {0, 0, 0};
  for (size_t i = 0; i < members.size(); ++i) {
    parts[i] = t.literal(t.bare(members[i])).value.to_long().value_or(99);
  }
  if (parts[0] > 24) return std::nullopt;
  Clock out{.half_known = afternoon.has_value() || parts[0] > 12};
  if (afternoon && parts[0] <= 12) parts[0] = parts[0] % 12 + (*afternoon ? 12 : 0);
  out.seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  return out;
}

}  // namespace

std::optional<Same> compare_clocks(Case& c, int a, int b) {
  const auto x = clock_of(c.tree, a), y = clock_of(c.tree, b);
  if (!x || !y) return std::nullopt;
  c.method = "time of day";
  constexpr long half = 12L * 3600;
  if (x->half_known && y->half_known) return x->seconds == y->seconds ? Same::yes : Same::no;
  return x->seconds % half == y->seconds % half ? Same::yes : Same::no;
}

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
  if (!clock && is_unreduced_clock(t, a)) return Same::no;  // 12:30 is a time, and no ratio
  Same out = Same::yes;
  for (int i = clock ? 0 : 1; i < t.at(a).count && out == Same::yes; ++i) {
    const int x = t.kid(a, i), y = t.kid(b, i);
    if (!t.is_scalar(x) || !t.is_scalar(y) || !t.is_scalar(t.kid(a, 0)) || !t.is_scalar(t.kid(b, 0))) return Same::no;
    out = clock ? compare_scalars(c, x, y)
                : compare_scalars(c, t.add(Kind::mul, {x, t.kid(b, 0)}), t.add(Kind::mul, {y, t.kid(a, 0)}));
  }
  return out;
}

}  // namespace posttrain::mathcheck
