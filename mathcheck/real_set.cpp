#include "mathcheck/real_set.h"

#include <algorithm>

#include "mathcheck/evaluate.h"
#include "mathcheck/lexer.h"

namespace posttrain::mathcheck {

namespace {

// -1, 0, +1 as a < b, a = b, a > b.
std::optional<int> order(Case& c, int a, int b) {
  if (a == b || c.tree.same(a, b)) return 0;
  return sign_of(c.tree, c.tree.add(Kind::sub, {a, b}), c.budget);
}

// Both sets over the breakpoints of both.
std::optional<RealSet> combine(Case& c, const RealSet& a, const RealSet& b, bool (*keep)(bool, bool)) {
  if (a.name >= 0 && b.name >= 0 && a.name != b.name) return std::nullopt;
  RealSet out;
  out.name = std::max(a.name, b.name);
  out.gap = {keep(a.gap[0], b.gap[0])};
  size_t i = 0, j = 0;
  while (i < a.points.size() || j < b.points.size()) {
    int first = 0;  // which side's breakpoint comes first
    if (i == a.points.size())
      first = 1;
    else if (j == b.points.size())
      first = -1;
    else if (const auto o = order(c, a.points[i], b.points[j]))
      first = *o;
    else
      return std::nullopt;
    const bool in_a = first <= 0 ? a.at[i] : a.gap[i];
    const bool in_b = first >= 0 ? b.at[j] : b.gap[j];
    out.points.push_back(first <= 0 ? a.points[i] : b.points[j]);
    out.at.push_back(keep(in_a, in_b));
    if (first <= 0) ++i;
    if (first >= 0) ++j;
    out.gap.push_back(keep(a.gap[i], b.gap[j]));
    if (out.points.size() > 200) throw OverBudget{};
  }
  return out;
}

bool in_either(bool a, bool b) {
  return a || b;
}
bool in_both(bool a, bool b) {
  return a && b;
}
bool without(bool a, bool b) {
  return a && !b;
}

RealSet everything(bool in) {
  RealSet out;
  out.gap = {in};
  return out;
}

RealSet single(int point) {
  return {{point}, {true}, {false, false}};
}

int infinity_sign(const Tree& tree, int node) {
  int sign = 1;
  for (node = tree.bare(node); tree.kind(node) == Kind::neg; node = tree.bare(tree.kid(node, 0))) sign = -sign;
  return tree.kind(node) == Kind::infinity ? sign : 0;
}

bool real_valued(Case& c, int node) {
  return c.tree.is_scalar(node) && sign_of(c.tree, node, c.budget).has_value();
}

std::optional<RealSet> interval(Case& c, int low, int high, bool with_low, bool with_high) {
  RealSet out;
  const int low_end = infinity_sign(c.tree, low), high_end = infinity_sign(c.tree, high);
  if (low_end > 0 || high_end < 0) return std::nullopt;
  if ((low_end != 0 && with_low) || (high_end != 0 && with_high)) return std::nullopt;  // [0, oo] holds no set of reals
  if (low_end == 0 && !real_valued(c, low)) return std::nullopt;
  if (high_end == 0 && !real_valued(c, high)) return std::nullopt;
  if (low_end == 0 && high_end == 0) {
    const auto o = order(c, low, high);
    if (!o || *o > 0) return std::nullopt;
    if (*o == 0) return with_low && with_high ? std::optional(single(low)) : std::nullopt;  // (4, 4) is a point
  }
  out.gap = {low_end < 0};
  if (low_end == 0) {
    out.points.push_back(low);
    out.at.push_back(with_low);
    out.gap.push_back(true);
  }
  if (high_end == 0) {
    out.points.push_back(high);
    out.at.push_back(with_high);
    out.gap.push_back(false);
  }
  return out;
}

// x r bound.
std::optional<RealSet> half_line(Case& c, Relation r, int bound) {
  const int infinite = infinity_sign(c.tree, bound);
  if (infinite != 0) {
    const bool all = (infinite > 0) == (r == Relation::less || r == Relation::less_equal);
    return everything(all || r == Relation::not_equal);
  }
  if (!real_valued(c, bound)) return std::nullopt;
  RealSet out = single(bound);
  const bool below = r == Relation::less || r == Relation::less_equal || r == Relation::not_equal;
  const bool above = r == Relation::greater || r == Relation::greater_equal || r == Relation::not_equal;
  out.at[0] = r == Relation::less_equal || r == Relation::greater_equal || r == Relation::equal;
  out.gap = {below, above};
  return out;
}

// left r right in the one variable `x`, where the difference is a polynomial of degree 1 or 2.
std::optional<RealSet> solve(Case& c, int left, Relation r, int right, int x, int depth) {
  Tree& t = c.tree;
  left = t.bare(left);
  right = t.bare(right);
  const auto has_x = [&](int node) {
    const std::vector<int> names = free_symbols(t, node);
    return std::ranges::count(names, x) > 0;
  };
  if (!has_x(left)) {
    std::swap(left, right);
    r = flipped(r);
  }
  if (t.kind(left) == Kind::symbol && !has_x(right)) return half_line(c, r, right);
  if (t.kind(left) == Kind::abs && !has_x(right) && depth < 6) {
    const int inner = t.kid(left, 0), minus = t.add(Kind::neg, {right});
    const bool inside = r == Relation::less || r == Relation::less_equal;
    const auto a = solve(c, inner, r, right, x, depth + 1), b = solve(c, inner, flipped(r), minus, x, depth + 1);
    if (!a || !b) return std::nullopt;
    return combine(c, *a, *b, inside || r == Relation::not_equal ? in_both : in_either);
  }
  const auto number = [&](long n) { return t.number(Rational(n)); };
  const int d = t.add(Kind::sub, {left, right});
  int value[4];
  for (int n = 0; n < 4; ++n) value[n] = t.substitute(d, x, number(n));
  for (const int v : value) {
    if (!real_valued(c, v)) return std::nullopt;
  }
  // Differences: d0, d1 - d0, and the second differences, which must be constant.
  const auto sub = [&](int a, int b) { return t.add(Kind::sub, {a, b}); };
  const int s1 = sub(value[1], value[0]), s2 = sub(value[2], value[1]), s3 = sub(value[3], value[2]);
  const int second = sub(s2, s1);
  if (sign_of(t, sub(sub(s3, s2), second), c.budget) != 0) return std::nullopt;
  const auto curve = sign_of(t, second, c.budget), slope = sign_of(t, s1, c.budget);
  if (!curve || !slope) return std::nullopt;
  if (*curve == 0) {
    if (*slope == 0) return std::nullopt;
    const int bound = t.add(Kind::div, {t.add(Kind::neg, {value[0]}), s1});
    return half_line(c, *slope > 0 ? r : flipped(r), bound);
  }
  // a = second / 2, b = s1 - a: the roots are (-b -+ sqrt(b^2 - 4 a d0)) / 2a.
  const int a = t.add(Kind::div, {second, number(2)}), b = sub(s1, a);
  const int disc = sub(t.add(Kind::mul, {b, b}), t.add(Kind::mul, {number(4), t.add(Kind::mul, {a, value[0]})}));
  const auto roots = sign_of(t, disc, c.budget);
  if (!roots) return std::nullopt;
  const Relation up = *curve > 0 ? r : flipped(r);  // as if a > 0
  const bool outside = up == Relation::greater || up == Relation::greater_equal || up == Relation::not_equal;
  if (*roots < 0) return everything(outside);
  const int root = t.add(Kind::root, {disc, number(2)}), minus_b = t.add(Kind::neg, {b}),
            twice = t.add(Kind::mul, {number(2), a});
  int low = t.add(Kind::div, {t.add(Kind::sub, {minus_b, root}), twice});
  int high = t.add(Kind::div, {t.add(Kind::add, {minus_b, root}), twice});
  if (*curve < 0) std::swap(low, high);
  const bool ends = r == Relation::less_equal || r == Relation::greater_equal || r == Relation::equal;
  if (*roots == 0) {
    RealSet out = single(low);
    out.at[0] = ends;
    out.gap = {outside, outside};
    return out;
  }
  RealSet out;
  out.points = {low, high};
  out.at = {ends, ends};
  const bool inside = up == Relation::less || up == Relation::less_equal || up == Relation::not_equal;
  out.gap = {outside, inside, outside};
  return out;
}

// "all real numbers", "the set of positive reals".
std::optional<RealSet> real_words(Case& c, std::string words) {
  for (const std::string_view lead : {"the set of ", "the ", "all ", "any "}) {
    if (words.starts_with(lead)) words.erase(0, lead.size());
  }
  std::string which;
  for (const std::string_view sign : {"positive ", "negative ", "nonnegative ", "non negative "}) {
    if (!words.starts_with(sign)) continue;
    which = sign;
    words.erase(0, sign.size());
  }
  if (words != "real numbers" && words != "reals" && words != "real values" && words != "real number")
    return std::nullopt;
  if (which.empty()) return everything(true);
  const Relation r = which == "positive "   ? Relation::greater
                     : which == "negative " ? Relation::less
                                            : Relation::greater_equal;
  return half_line(c, r, c.tree.number(Rational(0)));
}

std::optional<RealSet> from_relation(Case& c, int node, int depth) {
  Tree& t = c.tree;
  const int members = t.at(node).count;
  if (members == 2 && t.relation(node, 0) == Relation::in) {
    auto out = real_set(c, t.kid(node, 1), depth + 1);
    const int name = t.bare(t.kid(node, 0));
    if (out && t.kind(name) == Kind::symbol) out->name = t.at(name).index;
    return out;
  }
  const std::vector<int> names = free_symbols(t, node);
  if (names.size() != 1) return std::nullopt;
  std::optional<RealSet> out = everything(true);
  for (int i = 0; out && i + 1 < members; ++i) {
    const Relation r = t.relation(node, i);
    if (r > Relation::greater_equal) return std::nullopt;
    if (!t.is_scalar(t.kid(node, i)) || !t.is_scalar(t.kid(node, i + 1))) return std::nullopt;
    const auto part = solve(c, t.kid(node, i), r, t.kid(node, i + 1), names[0], 0);
    if (!part) return std::nullopt;
    out = combine(c, *out, *part, in_both);
  }
  if (out) out->name = names[0];
  return out;
}

}  // namespace

Relation flipped(Relation r) {
  switch (r) {
    case Relation::less:
      return Relation::greater;
    case Relation::less_equal:
      return Relation::greater_equal;
    case Relation::greater:
      return Relation::less;
    case Relation::greater_equal:
      return Relation::less_equal;
    default:
      return r;
  }
}

std::optional<RealSet> real_set(Case& c, int node, int depth) {
  if (depth > 40) return std::nullopt;
  Tree& t = c.tree;
  node = t.bare(node);
  c.budget.spend(50);
  const auto part = [&](int i) { return real_set(c, t.kid(node, i), depth + 1); };
  switch (t.kind(node)) {
    case Kind::empty_set:
      return everything(false);
    case Kind::number_set: {
      const int zero = t.number(Rational(0));
      if (t.at(node).op == '+') return half_line(c, Relation::greater, zero);
      if (t.at(node).op == '-') return half_line(c, Relation::less, zero);
      if (t.at(node).op == 'p') return half_line(c, Relation::greater_equal, zero);
      return t.at(node).op == 'R' ? std::optional(everything(true)) : std::nullopt;
    }
    case Kind::text: {
      return real_words(c, t.name(node));
    }
    case Kind::bracket: {
      if (t.at(node).count != 2) return std::nullopt;
      const int open = t.at(node).op / 16, close = t.at(node).op % 16;
      const auto closed = [](int bracket) { return bracket == static_cast<int>(Bracket::square); };
      if (open == static_cast<int>(Bracket::angle)) return std::nullopt;
      return interval(c, t.kid(node, 0), t.kid(node, 1), closed(open), closed(close));
    }
    case Kind::set:
    case Kind::list: {
      const bool bare_list = t.kind(node) == Kind::list;
      if (!bare_list && t.at(node).count == 1 && t.kind(t.kid(node, 0)) == Kind::given) {
        return real_set(c, t.kid(t.kid(node, 0), 1), depth + 1);
      }
      std::optional<RealSet> any = everything(false), every = everything(true);
      bool relations = true;
      const std::vector<int> items(t.kids(node).begin(), t.kids(node).end());
      for (const int item : items) {
        const bool relation = t.kind(t.bare(item)) == Kind::relation;
        relations = relations && relation;
        const bool point = t.is_scalar(item) && real_valued(c, item);
        if (!point && !bare_list) return std::nullopt;
        const auto s = point ? std::optional(single(item)) : real_set(c, item, depth + 1);
        if (!s || !any) return std::nullopt;
        any = combine(c, *any, *s, in_either);
        if (every) every = combine(c, *every, *s, in_both);
      }
      // "x > 3 and x < 5" is both; "x < 1, x > 5" can only be either.
      const bool meet = relations && bare_list && t.at(node).op != static_cast<uint8_t>(Separator::or_) && every &&
                        (std::ranges::count(every->gap, true) > 0 || std::ranges::count(every->at, true) > 0);
      return meet ? every : any;
    }
    case Kind::set_union:
    case Kind::set_intersection:
    case Kind::set_difference: {
      // "all real numbers except 2"
      const int last = t.kid(node, 1);
      const bool point = t.is_scalar(last) && real_valued(c, last);
      const auto a = part(0), b = point ? std::optional(single(last)) : part(1);
      if (!a || !b) return std::nullopt;
      const Kind k = t.kind(node);
      return combine(c, *a, *b, k == Kind::set_union ? in_either : k == Kind::set_intersection ? in_both : without);
    }
    case Kind::relation:
      return from_relation(c, node, depth);
    case Kind::given:
      return t.kind(t.kid(node, 1)) == Kind::text ? std::nullopt : part(1);
    default:
      return std::nullopt;
  }
}

Same compare_sets(Case& c, const RealSet& a, const RealSet& b) {
  c.method = "sets of reals";
  if (a.name >= 0 && b.name >= 0 && a.name != b.name) return Same::no;
  const auto difference = combine(c, a, b, [](bool x, bool y) { return x != y; });
  if (!difference) return Same::unknown;
  const bool same = std::ranges::count(difference->gap, true) == 0 && std::ranges::count(difference->at, true) == 0;
  return same ? Same::yes : Same::no;
}

}  // namespace posttrain::mathcheck
