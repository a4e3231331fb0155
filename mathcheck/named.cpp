#include "mathcheck/named.h"

#include <algorithm>
#include <span>

#include "base/letters.h"
#include "mathcheck/lexer.h"

namespace posttrain::mathcheck {

namespace {

bool upper_letters(const Tree& t, int node) {
  const std::string& name = t.name(node);
  return name.size() == 1 && is_capital(name[0]);
}

// \cos\theta, \tan A, \det A: the value of an angle or a matrix, not an equation in x.
bool names_angle(const Tree& t, int node) {
  if (t.at(node).count != 1) return false;
  const int argument = t.bare(t.kid(node, 0));
  if (t.kind(argument) != Kind::symbol) return false;
  return t.name(argument).size() > 1 || upper_letters(t, argument);
}

// A symbol, AB, P(A), f(x), f^{-1}(x), (a, b), |AB|, a text.
bool is_name(const Tree& t, int node) {
  node = t.bare(node);
  switch (t.kind(node)) {
    case Kind::symbol:
    case Kind::text:
      return true;
    case Kind::bracket:
      return std::ranges::all_of(t.kids(node), [&](int k) { return t.kind(t.bare(k)) == Kind::symbol; });
    case Kind::abs:
      return is_name(t, t.bare(t.kid(node, 0)));
    case Kind::ratio:
      return std::ranges::all_of(t.kids(node), [&](int k) { return is_name(t, k); });
    case Kind::function:
      return names_angle(t, node);
    case Kind::degree:
    case Kind::quantity:
      return is_name(t, t.kid(node, 0));
    case Kind::mul: {
      int left = t.bare(t.kid(node, 0));
      const int right = t.kid(node, 1);
      const bool brackets = t.kind(right) == Kind::paren || t.kind(right) == Kind::bracket;
      if (t.kind(left) == Kind::pow) left = t.bare(t.kid(left, 0));
      if (brackets) {
        // f(3) and P(A or B) are calls; x(x - 4) and 2(x) are products.
        if (t.kind(left) != Kind::symbol) return false;
        const std::vector<int> inside = free_symbols(t, right);
        const bool own = std::ranges::count(inside, t.at(left).index) > 0;
        if (t.kind(right) == Kind::bracket) return !own;
        const Kind argument = t.kind(t.bare(right));
        const std::string& f = t.name(left);
        const bool usual = f == "f" || f == "g" || f == "h" || f == "F" || f == "G" || f == "H" || f == "P" ||
                           f == "Pr" || f == "p" || f == "q" || f == "Q" || f.ends_with('\'');
        return !own && (usual || argument == Kind::symbol || argument == Kind::number || argument == Kind::given ||
                        argument == Kind::set_union || argument == Kind::set_intersection);
      }
      // AB, ABC: letters of points.
      return t.at(node).op == 1 && t.kind(right) == Kind::symbol && upper_letters(t, right) && is_name(t, left) &&
             (t.kind(left) == Kind::mul || (t.kind(left) == Kind::symbol && upper_letters(t, left)));
    }
    default:
      return false;
  }
}

// The name's letter stands in its own definition: x = x + 1.
bool defines_itself(const Tree& t, int name, int value) {
  const int bare = t.bare(name);
  if (t.kind(bare) != Kind::symbol) return false;
  const std::vector<int> letters = free_symbols(t, value);
  return std::ranges::count(letters, t.at(bare).index) > 0;
}

}  // namespace

std::optional<Named> named_value(Case& c, int node) {
  const Tree& t = c.tree;
  const int chain = t.bare(node);
  if (t.kind(chain) != Kind::relation) return Named{{}, node, false};
  const int members = t.at(chain).count;
  // (x, y) in {(1, 2)}
  if (members == 2 && t.relation(chain, 0) == Relation::in && t.kind(t.bare(t.kid(chain, 1))) == Kind::set &&
      is_name(t, t.kid(chain, 0))) {
    return Named{{t.print(t.bare(t.kid(chain, 0)))}, t.kid(chain, 1), false};
  }
  for (int i = 0; i + 1 < members; ++i) {
    if (t.relation(chain, i) != Relation::equal) return std::nullopt;
  }
  Named out;
  out.value = t.kid(chain, members - 1);
  const auto calculation = [&](int m) { return t.is_scalar(m) && free_symbols(t, m).empty(); };
  // 5 = x
  if (members == 2 && calculation(t.kid(chain, 0)) && t.kind(t.bare(out.value)) == Kind::symbol) {
    return Named{{t.print(t.bare(out.value))}, t.kid(chain, 0), true};
  }
  for (int i = 0; i + 1 < members; ++i) {
    const int m = t.kid(chain, i);
    if (is_name(t, m)) {
      if (t.is_scalar(out.value) && defines_itself(t, m, out.value)) return std::nullopt;
      out.names.push_back(t.print(t.bare(m)));
      out.single = t.kind(t.bare(m)) == Kind::symbol;
    } else if (!calculation(m)) {
      // A formula worked out in steps behind a name: f(x) = (x + 1)^2 = x^2 + 2x + 1.
      if (out.names.empty()) return std::nullopt;
    }
  }
  // Equal to what it is made of: 5 = 6 says nothing, and 7 = 11a + c only itself.
  for (int i = 0; i + 1 < members; ++i) {
    const int m = t.kid(chain, i);
    if (!calculation(m) || is_name(t, m)) continue;
    if (out.names.empty() && !calculation(out.value)) return std::nullopt;
    if (calculation(out.value) && compare_scalars(c, m, out.value) == Same::no) return std::nullopt;
  }
  out.single = out.single && out.names.size() == 1;
  return out;
}

bool names_agree(const Named& a, const Named& b) {
  if (a.names.empty() || b.names.empty()) return true;
  return std::ranges::any_of(a.names, [&](const std::string& name) { return std::ranges::count(b.names, name) > 0; });
}

std::optional<NamedList> named_list(Case& c, int node) {
  Tree& t = c.tree;
  const int list = t.bare(node);
  if (t.kind(list) != Kind::list && t.kind(list) != Kind::set && t.kind(list) != Kind::bracket) return std::nullopt;
  std::vector<std::pair<std::string, int>> values;
  const std::vector<int> items(t.kids(list).begin(), t.kids(list).end());
  for (size_t i = 0; i < items.size(); ++i) {
    if (t.kind(t.bare(items[i])) != Kind::relation) {
      // "x = 2, 3": the name covers what follows.
      if (values.empty() || t.kind(list) != Kind::list || !t.is_scalar(items[i])) return std::nullopt;
      values.emplace_back(values.back().first, items[i]);
      continue;
    }
    const auto named = named_value(c, items[i]);
    if (!named || named->names.empty()) return std::nullopt;
    values.emplace_back(named->names[0], named->value);
  }
  if (values.empty()) return std::nullopt;
  int unlabelled = -1;
  if (std::ranges::all_of(items, [&](int item) {
        const int chain = t.bare(item);
        return t.kind(chain) == Kind::relation && t.kind(t.bare(t.kid(chain, 0))) == Kind::text;
      })) {
    std::vector<int> written;
    for (const auto& [name, value] : values) written.push_back(value);
    unlabelled = t.add(Kind::list, written);
  }
  std::vector<int> nodes;
  std::vector<std::string> names;
  const bool one_name = std::ranges::all_of(values, [&](const auto& v) { return v.first == values[0].first; });
  // x = 1, y = 2 or x = 3, y = 4: a list of tuples.
  const auto again =
      std::ranges::find(values.begin() + 1, values.end(), values[0].first, &std::pair<std::string, int>::first);
  const size_t period = static_cast<size_t>(again - values.begin());
  if (!one_name && period < values.size() && values.size() % period == 0) {
    std::vector<int> tuples;
    for (size_t from = 0; from < values.size(); from += period) {
      const auto group = std::span(values).subspan(from, period);
      for (size_t i = 0; i < period; ++i) {
        if (group[i].first != values[i].first) return std::nullopt;
      }
      std::vector<std::pair<std::string, int>> sorted(group.begin(), group.end());
      std::ranges::stable_sort(sorted, {}, &std::pair<std::string, int>::first);
      std::vector<int> members;
      for (const auto& [name, value] : sorted) members.push_back(value);
      tuples.push_back(t.add(Kind::bracket, members, 0));
    }
    for (size_t i = 0; i < period; ++i) names.push_back(values[i].first);
    std::ranges::sort(names);
    return NamedList{t.add(Kind::list, tuples), names};
  }
  // "x = 1 or y = 2" is no tuple.
  if (!one_name && t.at(list).op == static_cast<uint8_t>(Separator::or_)) return std::nullopt;
  if (!one_name) {
    std::ranges::stable_sort(values, {}, &std::pair<std::string, int>::first);
    for (size_t i = 0; i + 1 < values.size(); ++i) {
      if (values[i].first == values[i + 1].first) return std::nullopt;  // several values for several names
    }
  }
  for (const auto& [name, value] : values) {
    nodes.push_back(value);
    names.push_back(name);
  }
  if (one_name) return NamedList{t.add(Kind::list, nodes), {names[0]}};
  return NamedList{t.add(Kind::bracket, nodes, 0), names, unlabelled};
}

}  // namespace posttrain::mathcheck
