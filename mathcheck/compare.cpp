#include "mathcheck/compare.h"

#include <algorithm>

#include "base/letters.h"
#include "mathcheck/applications.h"
#include "mathcheck/lexer.h"
#include "mathcheck/measure.h"
#include "mathcheck/named.h"
#include "mathcheck/ratio.h"
#include "mathcheck/real_set.h"

namespace posttrain::mathcheck {

namespace {

constexpr int deepest = 24;

Same equal(Case& c, int a, int b, int depth);

Same both(Same a, Same b) {
  if (a == Same::no || b == Same::no) return Same::no;
  return a == Same::yes && b == Same::yes ? Same::yes : Same::unknown;
}

bool has_sign(const Tree& t, int node) {
  const std::vector<bool> below = t.below(node);
  for (int i = 0; i <= node; ++i) {
    if (below[static_cast<size_t>(i)] && (t.kind(i) == Kind::plus_minus || t.kind(i) == Kind::minus_plus)) return true;
  }
  return false;
}

bool is_dots(const Tree& t, int node) {
  return t.kind(node) == Kind::symbol && t.name(node) == "...";
}

// 1, 2, ..., 10 written out, where whole numbers go on in equal steps.
std::vector<int> without_dots(Tree& t, const std::vector<int>& items) {
  const auto whole = [&](size_t i) -> std::optional<long> {
    const int node = t.bare(items[i]);
    const bool minus = t.kind(node) == Kind::neg;
    const int figure = minus ? t.bare(t.kid(node, 0)) : node;
    if (t.kind(figure) != Kind::number) return std::nullopt;
    const auto value = t.literal(figure).value.to_long();
    return value && *value < 1'000'000 ? std::optional(minus ? -*value : *value) : std::nullopt;
  };
  std::vector<int> out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!is_dots(t, items[i])) {
      out.push_back(items[i]);
      continue;
    }
    if (i == 0 || i + 1 == items.size()) return items;
    const auto last = whole(i - 1), next = whole(i + 1), before = i > 1 ? whole(i - 2) : std::nullopt;
    if (!last || !next) return items;
    const long step = before ? *last - *before : 1;
    if (step == 0 || (*next - *last) % step != 0 || (*next - *last) / step > 200 || (*next - *last) / step < 1)
      return items;
    for (long value = *last + step; value != *next; value += step) out.push_back(t.number(Rational(value)));
  }
  return out;
}

// Items of a list or set, a ± b taken as two.
std::vector<int> items_of(Tree& t, int node) {
  std::vector<int> out;
  const std::vector<int> kids(t.kids(node).begin(), t.kids(node).end());
  for (const int item : kids) {
    if ((t.is_scalar(item) || t.kind(item) == Kind::bracket) && has_sign(t, item)) {
      out.push_back(t.choose_sign(item, +1));
      out.push_back(t.choose_sign(item, -1));
    } else if (t.kind(item) == Kind::list) {
      for (const int inner : t.kids(item)) out.push_back(inner);
    } else {
      out.push_back(item);
    }
  }
  if (out.size() > 300) throw OverBudget{};
  return without_dots(t, out);
}

std::vector<int> copy_of(std::span<const int> kids) {
  return {kids.begin(), kids.end()};  // comparing adds nodes, which moves the originals
}

Same ordered(Case& c, const std::vector<int>& a, const std::vector<int>& b, int depth) {
  if (a.size() != b.size()) return Same::no;
  Same out = Same::yes;
  for (size_t i = 0; i < a.size() && out != Same::no; ++i) out = both(out, equal(c, a[i], b[i], depth + 1));
  return out;
}

// Every item of `a` among `b`; with `once` each of b serves one of a.
Same included(Case& c, const std::vector<int>& a, const std::vector<int>& b, bool once, int depth) {
  std::vector<bool> used(b.size());
  Same out = Same::yes;
  for (size_t place = 0; place < a.size(); ++place) {
    Same found = Same::no;
    // The same place first: most lists are written in the same order.
    for (size_t k = 0; k < b.size() && found != Same::yes; ++k) {
      const size_t i = (place + k) % b.size();
      if (once && used[i]) continue;
      const Same same = equal(c, a[place], b[i], depth + 1);
      if (same == Same::yes) used[i] = true;
      if (same != Same::no) found = same;
    }
    out = both(out, found);
    if (out == Same::no) return out;
  }
  return out;
}

Same unordered(Case& c, const std::vector<int>& a, const std::vector<int>& b, bool repeats_count, int depth) {
  if (repeats_count) return a.size() == b.size() ? included(c, a, b, true, depth) : Same::no;
  const Same there = included(c, a, b, false, depth);
  return there == Same::no ? there : both(there, included(c, b, a, false, depth));
}

bool has_intervals(const Tree& t, int node) {
  node = t.bare(node);
  switch (t.kind(node)) {
    case Kind::set_union:
    case Kind::set_intersection:
    case Kind::set_difference:
    case Kind::number_set:
      return true;
    case Kind::relation:
      for (int i = 0; i + 1 < t.at(node).count; ++i) {
        if (t.relation(node, i) != Relation::equal && t.relation(node, i) <= Relation::greater_equal) return true;
        if (t.relation(node, i) == Relation::in) return true;
      }
      return false;
    case Kind::set:
      return t.at(node).count == 1 && t.kind(t.kid(node, 0)) == Kind::given;
    case Kind::list:
      return std::ranges::any_of(t.kids(node), [&](int k) { return has_intervals(t, k); });
    case Kind::bracket: {
      const int open = t.at(node).op / 16, close = t.at(node).op % 16;
      if (t.at(node).count != 2 || t.kind(t.bare(t.kid(node, 0))) == Kind::bracket) return false;
      const auto infinite = [&](int k) {
        const int bare = t.bare(t.kid(node, k));
        return t.kind(bare) == Kind::infinity ||
               (t.kind(bare) == Kind::neg && t.kind(t.bare(t.kid(bare, 0))) == Kind::infinity);
      };
      return open != close || open == static_cast<int>(Bracket::square) || infinite(0) || infinite(1);
    }
    default:
      return false;
  }
}

// A number times a matrix becomes a matrix.
int multiplied_out(Tree& t, int node) {
  node = t.bare(node);
  if (t.kind(node) == Kind::neg && t.kind(t.bare(t.kid(node, 0))) == Kind::matrix) {
    const int m = t.bare(t.kid(node, 0));
    std::vector<int> cells(t.kids(m).begin(), t.kids(m).end());
    for (int& cell : cells) cell = t.add(Kind::neg, {cell});
    return t.add(Kind::matrix, cells, 0, t.at(m).index);
  }
  if (t.kind(node) != Kind::mul) return node;
  for (const int side : {0, 1}) {
    const int m = t.bare(t.kid(node, side)), factor = t.kid(node, 1 - side);
    const bool vector = t.kind(m) == Kind::bracket && side == 1;
    if ((t.kind(m) != Kind::matrix && !vector) || !t.is_scalar(factor)) continue;
    std::vector<int> cells(t.kids(m).begin(), t.kids(m).end());
    for (int& cell : cells) cell = t.add(Kind::mul, {factor, cell});
    return t.add(t.kind(m), cells, t.at(m).op, t.at(m).index);
  }
  return node;
}

// [[1, 2], [3, 4]] against a matrix.
Same rows_of(Case& c, int matrix, int lists, int depth) {
  Tree& t = c.tree;
  std::vector<int> cells;
  for (const int row : t.kids(lists)) {
    const int bare = t.bare(row);
    if (t.at(bare).count * t.at(matrix).index != t.at(matrix).count) return Same::no;
    for (const int cell : t.kids(bare)) cells.push_back(cell);
  }
  return t.at(lists).count == t.at(matrix).index ? ordered(c, copy_of(t.kids(matrix)), cells, depth) : Same::no;
}

// Value and condition of each row as a tuple.
std::vector<int> pieces(Tree& t, int matrix) {
  std::vector<int> out;
  const std::vector<int> cells = copy_of(t.kids(matrix));
  for (size_t i = 0; i + 1 < cells.size(); i += 2) out.push_back(t.add(Kind::bracket, {cells[i], cells[i + 1]}, 0));
  return out;
}

Same matrices(Case& c, int a, int b, int depth) {
  Tree& t = c.tree;
  const auto flat = [&](int m) {
    return t.kind(m) == Kind::bracket || t.at(m).index == 1 || t.at(m).index == t.at(m).count;
  };
  const bool tuple = t.kind(a) == Kind::bracket || t.kind(b) == Kind::bracket;
  const auto nested = [&](int n) {
    return t.kind(n) == Kind::bracket &&
           std::ranges::all_of(t.kids(n), [&](int k) { return t.kind(t.bare(k)) == Kind::bracket; });
  };
  if (nested(a) && t.kind(b) == Kind::matrix) return rows_of(c, b, a, depth);
  if (nested(b) && t.kind(a) == Kind::matrix) return rows_of(c, a, b, depth);
  // The rows of a piecewise definition may stand in any order.
  const auto piecewise = [&](int n) {
    return t.kind(n) == Kind::matrix && t.at(n).count == 2 * t.at(n).index && t.at(n).index > 1 &&
           !t.is_scalar(t.kid(n, 1));
  };
  if (piecewise(a) && piecewise(b)) {
    const auto x = pieces(t, a), y = pieces(t, b);
    return unordered(c, x, y, true, depth);
  }
  if (tuple ? !flat(a) || !flat(b) : t.at(a).index != t.at(b).index) return Same::no;
  return ordered(c, copy_of(t.kids(a)), copy_of(t.kids(b)), depth);
}

// Equations and inequalities that stand for themselves.
Same relations(Case& c, int a, int b, int depth) {
  Tree& t = c.tree;
  const int n = t.at(a).count;
  if (n == 2 && t.at(b).count == 2) {
    const Relation ra = t.relation(a, 0), rb = t.relation(b, 0);
    const bool scalars =
        t.is_scalar(t.kid(a, 0)) && t.is_scalar(t.kid(a, 1)) && t.is_scalar(t.kid(b, 0)) && t.is_scalar(t.kid(b, 1));
    const auto kind = [](Relation r) {
      return r == Relation::equal || r == Relation::not_equal ? 0
             : r == Relation::less || r == Relation::greater  ? 1
                                                              : 2;
    };
    if (scalars && ra <= Relation::greater_equal && rb <= Relation::greater_equal) {
      if (kind(ra) != kind(rb) || (kind(ra) == 0 && ra != rb)) return Same::no;
      const auto up = [](Relation r) { return r == Relation::greater || r == Relation::greater_equal; };
      const auto [x, y] = with_applications(c, t.add(Kind::sub, {t.kid(a, 0), t.kid(a, 1)}),
                                            t.add(Kind::sub, {t.kid(b, 0), t.kid(b, 1)}));
      const auto p = proportional(c, x, y);
      if (!p) return Same::unknown;
      if (*p == 0) return Same::no;
      return kind(ra) == 0 || (*p > 0) == (up(ra) == up(rb)) ? Same::yes : Same::no;
    }
  }
  if (n != t.at(b).count) return Same::no;
  // c > b > a is a < b < c.
  bool forward = true, backward = n > 2;
  for (int i = 0; i + 1 < n; ++i) {
    forward = forward && t.relation(a, i) == t.relation(b, i);
    backward = backward && t.relation(a, i) == flipped(t.relation(b, n - 2 - i));
  }
  if (backward) {
    std::vector<int> turned = copy_of(t.kids(b));
    std::ranges::reverse(turned);
    if (const Same same = ordered(c, copy_of(t.kids(a)), turned, depth); same == Same::yes) return same;
  }
  if (!forward) return Same::no;
  return ordered(c, copy_of(t.kids(a)), copy_of(t.kids(b)), depth);
}

bool is_collection(Kind k) {
  return k == Kind::list || k == Kind::set || k == Kind::bracket || k == Kind::empty_set;
}

bool means_empty(const Tree& t, int node) {
  if (t.kind(node) == Kind::empty_set) return true;
  if (t.kind(node) != Kind::text) return false;
  const std::string& w = t.name(node);
  if (w == "none" || w == "empty set" || w == "the empty set") return true;
  const size_t at = w.find("no ");
  if (at == std::string::npos || (at > 0 && w[at - 1] != ' ') || w.size() > 50) return false;
  const std::string_view rest = std::string_view(w).substr(at + 3);
  return rest.starts_with("solution") || rest.starts_with("real solution") || rest.starts_with("integer solution") ||
         rest.starts_with("such");
}

Same collections(Case& c, int a, int b, int depth) {
  Tree& t = c.tree;
  const Kind ka = t.kind(a), kb = t.kind(b);
  if (ka == Kind::bracket && kb == Kind::bracket) {
    const auto square = [&](int n, int shift) {
      return ((t.at(n).op >> shift) & 15) == static_cast<int>(Bracket::square);
    };
    // Of two ends the brackets say whether they belong.
    const bool ends = t.at(a).count == 2 && (square(a, 4) != square(b, 4) || square(a, 0) != square(b, 0));
    return ends ? Same::no : ordered(c, copy_of(t.kids(a)), copy_of(t.kids(b)), depth);
  }
  if (ka == Kind::bracket || kb == Kind::bracket) {
    const int other = ka == Kind::bracket ? b : a;
    // A tuple without its brackets keeps its order; a set has none.
    if (t.kind(other) != Kind::list) return Same::no;
    return ordered(c, copy_of(t.kids(a)), copy_of(t.kids(b)), depth);
  }
  const bool repeats = ka == Kind::list && kb == Kind::list;
  return unordered(c, items_of(t, a), items_of(t, b), repeats, depth);
}

Same texts(Case& c, int a, int b) {
  const Tree& t = c.tree;
  c.method = "text";
  const auto words = [&](int n) {
    std::string out = lower_case(t.kind(n) == Kind::symbol || t.kind(n) == Kind::text ? t.name(n) : t.print(n));
    // A word read as a product of letters, articles off.
    if (t.kind(n) == Kind::mul) std::erase_if(out, [](char ch) { return ch == '(' || ch == ')' || ch == '*'; });
    for (const std::string_view lead : {"it is ", "a ", "an ", "the ", "on "}) {
      if (out.starts_with(lead)) out.erase(0, lead.size());
    }
    return out;
  };
  return words(a) == words(b) ? Same::yes : Same::no;
}

// Where f(x) may be a product or a function's value, both readings must agree.
Same formulas(Case& c, int a, int b) {
  const auto [x, y] = with_applications(c, a, b);
  const Same as_products = compare_scalars(c, a, b);
  return (x == a && y == b) || as_products == Same::no ? as_products : both(as_products, compare_scalars(c, x, y));
}

// Both sides without names, units apart.
Same values(Case& c, int a, int b, int depth) {
  Tree& t = c.tree;
  if (const auto with_units = compare_measures(c, a, b, [&](int x, int y) { return equal(c, x, y, depth + 1); })) {
    return *with_units;
  }
  const auto two = [&](int n) { return (t.is_scalar(n) || t.kind(n) == Kind::bracket) && has_sign(t, n); };
  if (two(a)) a = t.add(Kind::list, {t.choose_sign(a, +1), t.choose_sign(a, -1)});
  if (two(b)) b = t.add(Kind::list, {t.choose_sign(b, +1), t.choose_sign(b, -1)});
  a = multiplied_out(t, a);
  b = multiplied_out(t, b);
  if (t.is_scalar(a) && t.is_scalar(b)) return formulas(c, a, b);
  const Kind ka = t.kind(a), kb = t.kind(b);
  c.method = "structure";
  if (ka == Kind::ratio && kb == Kind::ratio && t.at(a).count != t.at(b).count) {
    if (const auto clocks = compare_clocks(c, a, b)) return *clocks;
  }
  if (ka == Kind::ratio || kb == Kind::ratio) return compare_ratios(c, a, b);
  if (ka == Kind::phrase || kb == Kind::phrase) {
    const bool same_words = ka == kb && t.name(a) == t.name(b);
    return same_words ? equal(c, t.kid(a, 0), t.kid(b, 0), depth + 1) : Same::no;
  }
  if (has_intervals(t, a) || has_intervals(t, b)) {
    const auto x = real_set(c, a), y = real_set(c, b);
    if (x && y) return compare_sets(c, *x, *y);
    if (ka != kb) return Same::no;
  }
  if (ka == Kind::relation && kb == Kind::relation) return relations(c, a, b, depth);
  if (means_empty(t, a) && means_empty(t, b)) return Same::yes;
  if (ka == Kind::matrix || kb == Kind::matrix) {
    const auto fits = [](Kind k) { return k == Kind::matrix || k == Kind::bracket; };
    return fits(ka) && fits(kb) ? matrices(c, a, b, depth) : Same::no;
  }
  // One thing alone in a list or in braces is that thing.
  const auto alone = [&](int n, Kind k) {
    return (k == Kind::list || k == Kind::set) && t.at(n).count == 1 && t.kind(t.bare(t.kid(n, 0))) != Kind::empty_set;
  };
  if (is_collection(ka) && is_collection(kb) && !(alone(a, ka) && kb == Kind::bracket) &&
      !(alone(b, kb) && ka == Kind::bracket))
    return collections(c, a, b, depth);
  if (alone(a, ka)) return equal(c, t.kid(a, 0), b, depth + 1);
  if (alone(b, kb)) return equal(c, a, t.kid(b, 0), depth + 1);
  // Alternatives that all say the same do not hedge.
  const auto alternatives = [&](int n, Kind k) {
    return k == Kind::list && t.at(n).op == static_cast<uint8_t>(Separator::or_);
  };
  if ((alternatives(a, ka) && !is_collection(kb)) || (alternatives(b, kb) && !is_collection(ka))) {
    const bool first = alternatives(a, ka);
    Same all = Same::yes;
    for (const int item : copy_of(t.kids(first ? a : b))) {
      if (all != Same::no) all = both(all, first ? equal(c, item, b, depth + 1) : equal(c, a, item, depth + 1));
    }
    return all;
  }
  if (ka == Kind::text || kb == Kind::text) return texts(c, a, b);
  if (ka != kb || t.at(a).op != t.at(b).op || t.at(a).count != t.at(b).count || t.at(a).count == 0) {
    return ka == kb && t.at(a).count == 0 && t.at(a).op == t.at(b).op && t.at(a).index == t.at(b).index ? Same::yes
                                                                                                        : Same::no;
  }
  return ordered(c, copy_of(t.kids(a)), copy_of(t.kids(b)), depth);
}

// "k\pi, k \in Z" without what says where k runs.
int without_range(const Tree& t, int node) {
  if (t.kind(node) != Kind::list || t.at(node).count != 2) return node;
  const int range = t.bare(t.kid(node, 1));
  if (t.kind(range) != Kind::relation || t.at(range).count != 2 || t.relation(range, 0) != Relation::in) return node;
  const int name = t.bare(t.kid(range, 0));
  if (t.kind(name) != Kind::symbol || t.kind(t.bare(t.kid(range, 1))) != Kind::number_set) return node;
  const std::vector<int> letters = free_symbols(t, t.kid(node, 0));
  return std::ranges::count(letters, t.at(name).index) > 0 ? t.bare(t.kid(node, 0)) : node;
}

// P(4, 6) is the point (4, 6) beside a tuple; C(n, k) is a binomial beside a number.
void uncall(Tree& t, int& a, int& b) {
  const auto call = [&](int n) {
    if (t.kind(n) != Kind::mul || t.at(n).op != 1 || t.kind(t.kid(n, 1)) != Kind::bracket || t.at(t.kid(n, 1)).op != 0)
      return false;
    const int name = t.kid(n, 0);
    return t.kind(name) == Kind::symbol && t.name(name).size() == 1 && is_capital(t.name(name)[0]);
  };
  for (const auto& [side, other] : {std::pair<int*, int*>{&a, &b}, {&b, &a}}) {
    if (!call(*side)) continue;
    const int inside = t.kid(*side, 1);
    const bool two = t.at(inside).count == 2 && t.is_scalar(t.kid(inside, 0)) && t.is_scalar(t.kid(inside, 1));
    if (t.kind(*other) == Kind::bracket)
      *side = inside;
    else if (two && t.name(t.kid(*side, 0)) == "C" && t.is_scalar(*other))
      *side = t.add(Kind::binomial, {t.kid(inside, 0), t.kid(inside, 1)});
  }
}

// "x = 2\pi \approx 6.28": the chain before the sign and what stands behind it, where that is its rounding.
std::optional<std::pair<int, int>> exact_and_rounded(Case& c, int node) {
  Tree& t = c.tree;
  if (t.kind(node) != Kind::relation) return std::nullopt;
  const int last = t.at(node).count - 1;
  if (t.relation(node, last - 1) != Relation::approx) return std::nullopt;
  for (int i = 0; i + 1 < last; ++i) {
    if (t.relation(node, i) != Relation::equal) return std::nullopt;
  }
  const int exact = t.kid(node, last - 1), rounded = t.kid(node, last);
  if (last == 1 && t.at(t.bare(exact)).count == 0) return std::nullopt;  // pi is no way of writing 3.14
  if (!is_rounding(c, rounded, exact)) return std::nullopt;
  if (last == 1) return std::pair(exact, rounded);
  std::vector<int> members = copy_of(t.kids(node));
  members.pop_back();
  const auto index = static_cast<int>(t.relations.size());
  t.relations.insert(t.relations.end(), static_cast<size_t>(last - 1), Relation::equal);
  return std::pair(t.add(Kind::relation, members, 0, index), rounded);
}

Same equal(Case& c, int a, int b, int depth) {
  c.budget.spend(30);
  if (depth > deepest) throw OverBudget{};
  Tree& t = c.tree;
  a = without_range(t, t.bare(a));
  b = without_range(t, t.bare(b));
  uncall(t, a, b);
  if (t.kind(a) == Kind::relation && t.kind(b) == Kind::relation && relations(c, a, b, depth) == Same::yes)
    return Same::yes;
  const auto list_a = named_list(c, a), list_b = named_list(c, b);
  if (list_a && list_b && list_a->names != list_b->names) return Same::no;
  // Labels beside a list without them say no order.
  const auto taken = [](const NamedList& list, bool other_named) {
    return list.unlabelled >= 0 && !other_named ? list.unlabelled : list.node;
  };
  if (list_a) a = taken(*list_a, list_b.has_value());
  if (list_b) b = taken(*list_b, list_a.has_value());
  for (const auto& [side, other] : {std::pair<int*, int*>{&a, &b}, {&b, &a}}) {
    const auto both_forms = exact_and_rounded(c, *side);
    if (!both_forms || t.kind(*other) == Kind::relation) continue;
    // Either form may be what is wanted.
    const auto& [exact, rounded] = *both_forms;
    const Same first = side == &a ? equal(c, exact, b, depth + 1) : equal(c, a, exact, depth + 1);
    if (first == Same::yes) return first;
    return side == &a ? equal(c, rounded, b, depth + 1) : equal(c, a, rounded, depth + 1);
  }
  const auto x = named_value(c, a), y = named_value(c, b);
  if (x && y && !names_agree(*x, *y)) {
    c.method = "names";
    return Same::no;
  }
  if (x) a = t.bare(x->value);
  if (y) b = t.bare(y->value);
  return values(c, a, b, depth);
}

}  // namespace

Same compare_answers(Case& c, int gold, int pred) {
  return equal(c, gold, pred, 0);
}

}  // namespace posttrain::mathcheck
