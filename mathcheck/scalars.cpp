#include "mathcheck/scalars.h"

#include <algorithm>
#include <cmath>

#include "mathcheck/breaks.h"
#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

namespace {

// A number written with a decimal point: how many digits, and what its last one stands for.
struct Written {
  int digits = 0;
  int last_unit = 0;
};

std::optional<Written> written_decimal(const Tree& tree, int node) {
  int shift = 0;
  for (int steps = 0; steps < 8; ++steps) {
    switch (tree.kind(node)) {
      case Kind::paren:
      case Kind::neg:
      case Kind::quantity:
        node = tree.kid(node, 0);
        continue;
      case Kind::percent:
        node = tree.kid(node, 0);
        shift -= 2;
        continue;
      case Kind::mul: {  // 1.5 x 10^3
        const int power = tree.bare(tree.kid(node, 1));
        if (tree.kind(power) != Kind::pow) return std::nullopt;
        const int base = tree.bare(tree.kid(power, 0)), exponent = tree.bare(tree.kid(power, 1));
        const bool minus = tree.kind(exponent) == Kind::neg;
        const int figure = minus ? tree.bare(tree.kid(exponent, 0)) : exponent;
        if (tree.kind(base) != Kind::number || !(tree.literal(base).value == Rational(10)) ||
            tree.kind(figure) != Kind::number) {
          return std::nullopt;
        }
        const auto n = tree.literal(figure).value.to_long();
        if (!n || *n > 1000 || *n < 0) return std::nullopt;
        shift += static_cast<int>(minus ? -*n : *n);
        node = tree.kid(node, 0);
        continue;
      }
      case Kind::number: {
        const Literal& l = tree.literal(node);
        return l.decimal ? std::optional(Written{l.digits, l.last_unit + shift}) : std::nullopt;
      }
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

bool has_kind(const Tree& tree, int root, Kind kind) {
  const std::vector<bool> below = tree.below(root);
  for (int node = 0; node <= root; ++node) {
    if (below[static_cast<size_t>(node)] && tree.kind(node) == kind) return true;
  }
  return false;
}

// A decimal that is near enough to the exact value to stand for it.
bool stands_for(Case& c, int decimal, int exact) {
  const auto written = written_decimal(c.tree, decimal);
  if (!written || written->digits < 6 || written_decimal(c.tree, exact)) return false;
  const ExactValue whole = exact_value(c.tree, exact, {}, c.budget);
  if (whole.state == State::ok && whole.value.is_integer()) return false;  // an integer has no digits to cut
  return is_rounding(c, decimal, exact);
}

// Random points: first positive ones, then of both signs, then whole numbers, where n! and (-1)^n have values.
Rational coordinate(int point, size_t symbol) {
  uint64_t z = (static_cast<uint64_t>(point) * 64 + symbol + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  const long fraction = static_cast<long>(z & 0xFFFFFFFFFFFull);
  if (point >= 9) return Rational(1 + static_cast<long>(z % 23));
  const Rational size = Rational(fraction, 1ul << 44) * Rational(3) + Rational(1, 7);
  return point >= 4 && (z >> 60) % 2 == 1 ? -size : size;
}

Bindings bind(const std::vector<int>& symbols, int point) {
  Bindings out;
  for (size_t i = 0; i < symbols.size(); ++i) out.emplace_back(symbols[i], coordinate(point, i));
  return out;
}

std::vector<int> symbols_of(const Tree& tree, int a, int b) {
  std::vector<int> out = free_symbols(tree, a);
  for (const int s : free_symbols(tree, b)) {
    if (std::ranges::find(out, s) == out.end()) out.push_back(s);
  }
  return out;
}

enum class Point : uint8_t { differ, agree, skip };

Point compare_values(const Balls& balls, const Value& a, const Value& b) {
  if (a.state == State::huge && b.state == State::ok) return Point::differ;
  if (b.state == State::huge && a.state == State::ok) return Point::differ;
  if (a.state != State::ok || b.state != State::ok) return Point::skip;
  if (disjoint(balls, a.re, b.re) || disjoint(balls, a.im, b.im)) return Point::differ;
  // They agree only if the error is small beside the value itself.
  const long double size =
      std::max({a.re.mid.magnitude(), a.im.mid.magnitude(), b.re.mid.magnitude(), b.im.mid.magnitude()});
  const long double error = a.re.radius + b.re.radius + a.im.radius + b.im.radius;
  const long double tiny = std::ldexp(1.0L, -static_cast<int>(balls.bits() / 2));
  return error <= size * tiny || error <= tiny * tiny || error == 0 ? Point::agree : Point::skip;
}

Same compare_numeric(Case& c, int a, int b) {
  const std::vector<int> symbols = symbols_of(c.tree, a, b);
  const bool complex = has_kind(c.tree, a, Kind::imaginary) || has_kind(c.tree, b, Kind::imaginary);
  if (symbols.empty()) {
    bool agreed = false;
    const bool endless = has_kind(c.tree, a, Kind::sum) || has_kind(c.tree, b, Kind::sum);
    for (const unsigned long bits : {160ul, 480ul, 1200ul}) {
      const Numeric numeric(c.tree, bits, complex, c.log_is_ten, c.budget);
      const Value x = numeric.value(a, {}), y = numeric.value(b, {});
      if (x.state == State::undefined || y.state == State::undefined) {
        c.method = "undefined";
        return Same::no;
      }
      const Point result = compare_values(numeric.balls(), x, y);
      if (result == Point::differ) {
        c.method = "refuted numerically";
        return Same::no;
      }
      agreed = result == Point::agree;
      if (endless && agreed) break;  // more bits cost more terms
    }
    c.method = "numeric, 1200 bits";
    return agreed ? Same::yes : Same::unknown;
  }
  int agreed = 0;
  for (int point = 0; point < 14; ++point) {
    const bool last = agreed == 5;
    const Numeric numeric(c.tree, point == 0 ? 160 : last ? 1200 : 320, complex, c.log_is_ten, c.budget);
    const Bindings at = bind(symbols, point);
    const Value x = numeric.value(a, at);
    // With one side undefined nothing is learnt; save the other.
    if (x.state == State::undefined || x.state == State::unable) continue;
    const Point result = compare_values(numeric.balls(), x, numeric.value(b, at));
    if (result == Point::differ) {
      c.method = "refuted at a point";
      return Same::no;
    }
    if (result == Point::agree) ++agreed;
    if (agreed >= 6) break;
  }
  c.method = "numeric, random points";
  if (agreed < 3) return Same::unknown;
  if (has_pieces(c.tree, a) || has_pieces(c.tree, b)) {
    const std::vector<Bindings> points = points_beside_breaks(c.tree, a, b, symbols, c.budget);
    const Numeric numeric(c.tree, 160, complex, c.log_is_ten, c.budget);
    for (const Bindings& at : points) {
      if (compare_values(numeric.balls(), numeric.value(a, at), numeric.value(b, at)) != Point::differ) continue;
      c.method = "refuted beside a break";
      return Same::no;
    }
  }
  return Same::yes;
}

}  // namespace

bool is_rounding(Case& c, int decimal, int exact) {
  const auto written = written_decimal(c.tree, decimal);
  if (!written) return false;
  const Numeric numeric(c.tree, 64 + 4 * static_cast<unsigned long>(std::min(written->digits, 400)), false,
                        c.log_is_ten, c.budget);
  const Value d = numeric.value(decimal, {}), v = numeric.value(exact, {});
  if (d.state != State::ok || v.state != State::ok || !d.real || !v.real) return false;
  const Balls& balls = numeric.balls();
  const Ball unit = balls.of(Rational::power_of_ten(std::clamp(written->last_unit, -9000, 9000)));
  const Ball off = balls.sub(balls.abs(v.re), balls.abs(d.re));
  if (d.re.sign() * v.re.sign() < 0) return false;
  // Rounded: off by at most half its last digit; cut: smaller, by less than one.
  const Ball half = balls.div(unit, balls.of(2));
  if (balls.sub(half, balls.abs(off)).sign() >= 0) return true;
  return off.sign() > 0 && balls.sub(unit, off).sign() > 0;
}

std::vector<int> free_symbols(const Tree& tree, int root) {
  const std::vector<bool> below = tree.below(root);
  std::vector<int> out, bound;
  for (int node = 0; node <= root; ++node) {
    if (!below[static_cast<size_t>(node)]) continue;
    const Kind kind = tree.kind(node);
    if ((kind == Kind::sum || kind == Kind::product) && tree.kind(tree.kid(node, 0)) == Kind::relation) {
      const int index = tree.kid(tree.kid(node, 0), 0);
      if (tree.kind(index) == Kind::symbol) bound.push_back(tree.at(index).index);
    }
    if (kind == Kind::symbol && std::ranges::find(out, tree.at(node).index) == out.end())
      out.push_back(tree.at(node).index);
  }
  std::erase_if(out, [&](int s) { return std::ranges::find(bound, s) != bound.end(); });
  return out;
}

Same compare_scalars(Case& c, int a, int b) {
  Tree& tree = c.tree;
  const std::vector<ExactValue> exact_a = exact_values(tree, a, {}, c.budget),
                                exact_b = exact_values(tree, b, {}, c.budget);
  const ExactValue &x = exact_a.back(), &y = exact_b.back();
  if (x.state == State::undefined || y.state == State::undefined) {
    c.method = "undefined";
    return Same::no;
  }
  if (x.state == State::ok && y.state == State::ok) {
    c.method = "exact";
    if (x.value == y.value) return Same::yes;
    if (!stands_for(c, a, b) && !stands_for(c, b, a)) return Same::no;
    c.method = "rounded decimal";
    return Same::yes;
  }
  // Infinities equal only themselves.
  const auto infinity = [&](int node) {
    int sign = 1;
    for (node = tree.bare(node); tree.kind(node) == Kind::neg; node = tree.bare(tree.kid(node, 0))) sign = -sign;
    if (tree.kind(node) == Kind::plus_minus) return 2;
    return tree.kind(node) == Kind::infinity ? sign : 0;
  };
  if (infinity(a) != 0 || infinity(b) != 0) {
    c.method = "infinity";
    return infinity(a) == infinity(b) ? Same::yes : Same::no;
  }
  if (tree.same(a, b)) {
    c.method = "same form";
    return Same::yes;
  }
  int agreed = 0;
  for (uint64_t seed = 1; seed <= c.primes.size() && agreed < 2; ++seed) {
    uint64_t& prime = c.primes[seed - 1];
    if (prime == 0) prime = random_prime(c.seed + seed);
    const ModularValue m = modular_value(tree, a, exact_a, prime, seed, c.budget);
    if (m.state != State::ok) break;
    const ModularValue n = modular_value(tree, b, exact_b, prime, seed, c.budget);
    if (n.state != State::ok) break;
    if (m.value != n.value) {
      c.method = "refuted modulo a prime";
      const bool closed = free_symbols(tree, a).empty() && free_symbols(tree, b).empty();
      return closed && (stands_for(c, a, b) || stands_for(c, b, a)) ? Same::yes : Same::no;
    }
    ++agreed;
  }
  if (agreed == 2) {
    c.method = "identity modulo a prime";
    return Same::yes;
  }
  if (stands_for(c, a, b) || stands_for(c, b, a)) {
    c.method = "rounded decimal";
    return Same::yes;
  }
  return compare_numeric(c, a, b);
}

std::optional<int> proportional(Case& c, int a, int b) {
  Tree& tree = c.tree;
  const std::vector<int> symbols = symbols_of(tree, a, b);
  if (symbols.empty()) return std::nullopt;
  const bool complex = has_kind(tree, a, Kind::imaginary) || has_kind(tree, b, Kind::imaginary);
  const Numeric numeric(tree, 320, complex, c.log_is_ten, c.budget);
  const Balls& balls = numeric.balls();
  std::optional<Value> first;
  int agreed = 0;
  for (int point = 0; point < 14 && agreed < 5; ++point) {
    const Bindings at = bind(symbols, point);
    const Value x = numeric.value(a, at), y = numeric.value(b, at);
    if (x.state != State::ok || y.state != State::ok || x.re.contains_zero() || y.re.contains_zero()) continue;
    if (!x.real || !y.real) return std::nullopt;
    Value ratio = x;
    ratio.re = balls.div(x.re, y.re);
    if (!first) {
      first = ratio;
    } else {
      const Point result = compare_values(balls, *first, ratio);
      if (result == Point::differ) return 0;
      if (result == Point::agree) ++agreed;
    }
  }
  if (agreed < 2) return std::nullopt;
  c.method = "proportional at random points";
  return first->re.sign();
}

}  // namespace posttrain::mathcheck
