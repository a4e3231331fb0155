#include "mathcheck/measure.h"

#include <algorithm>
#include <span>
#include <vector>

#include "mathcheck/ratio.h"

namespace posttrain::mathcheck {

namespace {

struct Measured {
  int value;
  std::optional<Unit> unit;
  bool degrees = false;  // by a degree sign
  bool percent = false;
};

bool nameless(const Unit& u) {
  for (const auto p : u.powers) {
    if (p != 0) return false;
  }
  // "units", "square units": no unit at all.
  return u.noun.empty() || u.noun == "=" || u.noun == "=unit=" || u.noun == "=square=unit=" || u.noun == "=cubic=unit=";
}

bool agree(const Unit& a, const Unit& b) {
  return a.converts_to(b) && (is_noon(a) ? a.factor == b.factor : same_noun(a, b));
}

// 5 feet 6 inches, in the unit of the first. `node` is the sum or difference without its units.
Measured sum_of(Tree& t, int node, const Measured& l, const Measured& r) {
  const Kind kind = t.kind(node);
  if (!l.unit && !r.unit) return {node, std::nullopt};
  if (l.unit && r.unit) {
    if (!agree(*l.unit, *r.unit)) return {node, std::nullopt};
    const Rational rate = r.unit->factor / l.unit->factor;
    const int converted = rate == Rational(1) ? r.value : t.add(Kind::mul, {t.number(rate), r.value});
    return {t.add(kind, {l.value, converted}), l.unit, l.degrees};
  }
  if (l.percent || r.percent) return {node, std::nullopt};
  return {t.add(kind, {l.value, r.value}), l.unit ? l.unit : r.unit, l.degrees || r.degrees};
}

// 3 hours and 30 minutes
bool larger_and_smaller(const Tree& t, int node) {
  if (t.at(node).count != 2 || t.at(node).op != static_cast<uint8_t>(Separator::and_)) return false;
  const int larger = t.bare(t.kid(node, 0)), smaller = t.bare(t.kid(node, 1));
  if (t.kind(larger) != Kind::quantity || t.kind(smaller) != Kind::quantity) return false;
  const Unit &u = t.unit(larger), &v = t.unit(smaller);
  return !nameless(u) && agree(u, v) && !is_noon(u) && v.factor < u.factor;
}

// The kids whose units decide the node's.
std::span<const int> deciding_kids(const Tree& t, int node) {
  const auto kids = t.kids(node);
  switch (t.kind(node)) {
    case Kind::quantity:
    case Kind::neg:
    case Kind::add:
    case Kind::sub:
      return kids;
    case Kind::mul:  // a unit behind a product of numbers, or 2 (3 cm)
      return kids.subspan(1, 1);
    case Kind::list:
      return larger_and_smaller(t, node) ? kids : kids.first(0);
    default:
      return {};
  }
}

// `kids` holds what deciding_kids() named.
Measured measured_by(Tree& t, int node, std::span<const Measured> kids) {
  switch (t.kind(node)) {
    case Kind::quantity: {
      Measured out = kids[0];
      if (!nameless(t.unit(node))) out.unit = t.unit(node);
      return out;
    }
    case Kind::percent:
      return {t.kid(node, 0), std::nullopt, false, true};
    case Kind::degree:
      return {t.kid(node, 0), *parse_unit("degree"), true, false};
    case Kind::neg: {
      Measured out = kids[0];
      out.value = out.unit || out.percent ? t.add(Kind::neg, {out.value}) : node;
      return out;
    }
    case Kind::add:
    case Kind::sub:
      return sum_of(t, node, kids[0], kids[1]);
    case Kind::list:
      if (kids.empty()) return {node, std::nullopt};
      return sum_of(t, t.add(Kind::add, {t.bare(t.kid(node, 0)), t.bare(t.kid(node, 1))}), kids[0], kids[1]);
    case Kind::mul:
      if (!kids[0].unit) return {node, std::nullopt};
      return {t.add(Kind::mul, {t.kid(node, 0), kids[0].value}), kids[0].unit, kids[0].degrees};
    default:
      return {node, std::nullopt};
  }
}

Measured measured(Tree& t, int root) {
  struct Part {
    int node;
    size_t first_kid = 0, kids = 0;  // among the parts
  };
  std::vector<Part> parts = {{t.bare(root)}};  // parents before kids
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto kids = deciding_kids(t, parts[i].node);
    parts[i].first_kid = parts.size();
    parts[i].kids = kids.size();
    for (const int kid : kids) parts.push_back({t.bare(kid)});
  }
  std::vector<Measured> values(parts.size());
  for (size_t i = parts.size(); i-- > 0;) {
    values[i] = measured_by(t, parts[i].node, std::span(values).subspan(parts[i].first_kid, parts[i].kids));
  }
  return values[0];
}

// "1500 m" and "9.8 \frac{m}{s^2}", where letters are the other answer's unit.
std::optional<Measured> lettered(const Tree& t, int node, const Unit& expected) {
  node = t.bare(node);
  if (t.kind(node) != Kind::mul || !t.is_scalar(t.kid(node, 0)) || !free_symbols(t, t.kid(node, 0)).empty())
    return std::nullopt;
  std::string words = t.print(t.kid(node, 1));
  std::erase_if(words, [](char c) { return c == '(' || c == ')'; });
  std::ranges::replace(words, '*', ' ');
  const auto unit = parse_unit(words);
  if (!unit || !agree(*unit, expected)) return std::nullopt;
  return Measured{t.kid(node, 0), unit};
}

// "40 pounds" of money.
bool money_pounds(const Unit& a, const Unit& b) {
  const Rational pound = parse_unit("pound")->factor;
  const auto mass = [&](const Unit& u) { return u.powers == parse_unit("g")->powers && u.factor == pound; };
  return (a.noun == "pound" && mass(b)) || (b.noun == "pound" && mass(a));
}

bool is_angle(const Unit& u) {
  return u.powers[static_cast<size_t>(Dimension::angle)] == 1;
}

// Degrees of a value whose unit is an angle, as an expression in radians.
int in_radians(Tree& t, const Measured& m) {
  if (m.unit->noun == "radian") return m.value;
  const int rate = t.add(Kind::div, {t.add(Kind::pi), t.number(Rational(180) / m.unit->factor)});
  return t.add(Kind::mul, {m.value, rate});
}

}  // namespace

std::optional<Same> compare_measures(Case& c, int a, int b, const std::function<Same(int, int)>& equal) {
  Tree& t = c.tree;
  Measured x = measured(t, a), y = measured(t, b);
  if (x.unit && !y.unit && !y.percent) y = lettered(t, b, *x.unit).value_or(y);
  if (y.unit && !x.unit && !x.percent) x = lettered(t, a, *y.unit).value_or(x);
  if ((x.unit && is_noon(*x.unit)) || (y.unit && is_noon(*y.unit))) {
    if (const auto clocks = compare_clocks(c, a, b)) return clocks;
  }
  if (!x.unit && !y.unit && !x.percent && !y.percent) return std::nullopt;
  if (x.percent || y.percent) {
    if (x.unit || y.unit) return Same::no;
    if (x.percent && y.percent) return equal(x.value, y.value);
    // A percentage is its value and also its bare figure.
    const Measured& p = x.percent ? x : y;
    const int other = x.percent ? y.value : x.value;
    const Same figure = x.percent ? equal(p.value, other) : equal(other, p.value);
    if (figure == Same::yes) return figure;
    const int hundredth = t.add(Kind::div, {p.value, t.number(Rational(100))});
    // Written anew so that a rounded 33.3333% is seen as the decimal it is.
    const int scaled =
        t.is_scalar(p.value) && t.kind(t.bare(p.value)) == Kind::number
            ? t.number(Literal{t.literal(t.bare(p.value)).value / Rational(100), t.literal(t.bare(p.value)).digits,
                               t.literal(t.bare(p.value)).last_unit - 2, t.literal(t.bare(p.value)).decimal, false})
            : hundredth;
    return x.percent ? equal(scaled, other) : equal(other, scaled);
  }
  if (!x.unit || !y.unit) {
    const Same plain = equal(x.value, y.value);
    const Measured& m = x.unit ? x : y;
    if (plain == Same::yes || !is_angle(*m.unit) || m.unit->noun == "radian" || !t.is_scalar(m.value)) return plain;
    return x.unit ? equal(in_radians(t, x), y.value) : equal(x.value, in_radians(t, y));
  }
  if (is_angle(*x.unit) && is_angle(*y.unit) && x.unit->noun != y.unit->noun) {
    return equal(in_radians(t, x), in_radians(t, y));
  }
  if (money_pounds(*x.unit, *y.unit)) return equal(x.value, y.value);
  if (!agree(*x.unit, *y.unit)) {
    c.method = "units";
    return Same::no;
  }
  if (is_noon(*x.unit) || x.unit->factor == y.unit->factor) return equal(x.value, y.value);
  if (!t.is_scalar(x.value) || !t.is_scalar(y.value)) return Same::no;
  const auto in_base = [&](const Measured& m) {
    const int bare = t.bare(m.value);
    if (t.kind(bare) == Kind::number) return t.number(t.literal(bare).value * m.unit->factor);
    return t.add(Kind::mul, {t.number(m.unit->factor), m.value});
  };
  return equal(in_base(x), in_base(y));
}

}  // namespace posttrain::mathcheck
