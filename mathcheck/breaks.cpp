#include "mathcheck/breaks.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace posttrain::mathcheck {

namespace {

constexpr size_t most_breaks = 12;

bool odd_number(const Tree& tree, int node) {
  node = tree.bare(node);
  if (tree.kind(node) != Kind::number) return false;
  const auto value = tree.literal(node).value.to_long();
  return value && *value % 2 != 0;
}

// An exponent that takes no even root: whole, or a fraction with an odd denominator, or without a value of its own.
bool takes_even_root(const Tree& tree, int exponent) {
  int node = tree.bare(exponent);
  while (tree.kind(node) == Kind::neg) node = tree.bare(tree.kid(node, 0));
  if (tree.kind(node) == Kind::number) return !tree.literal(node).value.is_integer();
  return tree.kind(node) == Kind::div && tree.kind(tree.bare(tree.kid(node, 1))) == Kind::number &&
         !odd_number(tree, tree.kid(node, 1));
}

bool is_piecewise(const Tree& tree, int node) {
  switch (tree.kind(node)) {
    case Kind::abs:
    case Kind::floor:
    case Kind::ceil:
      return true;
    case Kind::root:
      return !odd_number(tree, tree.kid(node, 1));
    case Kind::pow:
      return takes_even_root(tree, tree.kid(node, 1));
    case Kind::function:
      switch (static_cast<Function>(tree.at(node).op)) {
        case Function::max:
        case Function::min:
        case Function::sign:
        case Function::asin:
        case Function::acos:
        case Function::atan:
        case Function::acot:
        case Function::asec:
        case Function::acsc:
        case Function::acosh:
          return true;
        default:
          return false;
      }
    default:
      return false;
  }
}

// What decides which piece counts: the inside, or the difference of two candidates.
std::vector<int> deciders(Tree& tree, int root) {
  const std::vector<bool> below = tree.below(root);
  std::vector<int> out;
  for (int node = 0; node <= root && out.size() < most_breaks; ++node) {
    if (!below[static_cast<size_t>(node)] || !is_piecewise(tree, node)) continue;
    const std::vector<int> kids(tree.kids(node).begin(), tree.kids(node).end());
    const bool choice = tree.kind(node) == Kind::function && kids.size() > 1;
    if (!choice) out.push_back(kids[0]);
    for (size_t i = 1; choice && i < kids.size(); ++i) out.push_back(tree.add(Kind::sub, {kids[i - 1], kids[i]}));
  }
  return out;
}

// A plain point to start from: every symbol has a small value of its own.
Bindings base_point(const std::vector<int>& symbols) {
  Bindings out;
  for (size_t i = 0; i < symbols.size(); ++i) out.emplace_back(symbols[i], Rational(static_cast<long>(7 + 4 * i), 5));
  return out;
}

Rational rational(double value) {
  return Rational(static_cast<long>(std::lround(value * 4096)), 4096);
}

// One symbol's axis, the others staying where they are: the decider as a function of it.
class Axis {
 public:
  Axis(const Tree& tree, int decider, Bindings base, size_t moving, Budget& budget)
      : tree_(tree),
        numeric_(tree, 96, false, false, budget),
        decider_(decider),
        at_(std::move(base)),
        moving_(moving) {}

  double operator()(double x) {
    at_[moving_].second = rational(x);
    const Value value = numeric_.value(decider_, at_);
    return value.state == State::ok && value.real ? static_cast<double>(value.re.mid.to_long_double()) : std::nan("");
  }

  // Places where the decider changes its sign or comes nearest to zero.
  std::vector<double> breaks() {
    std::vector<double> grid;
    for (const double step : {0.25, 1.0, 2.5, 6.0, 15.0, 40.0, 100.0, 300.0, 1500.0, 10000.0}) {
      grid.push_back(step);
      grid.push_back(-step);
    }
    grid.push_back(0);
    std::ranges::sort(grid);
    std::vector<double> values, out;
    for (const double x : grid) values.push_back((*this)(x));
    for (size_t i = 0; i + 1 < grid.size(); ++i) {
      if (values[i] == 0) out.push_back(grid[i]);
      if (values[i] * values[i + 1] < 0) out.push_back(crossing(grid[i], grid[i + 1], values[i]));
      const bool dips = i > 0 && values[i - 1] * values[i] > 0 && values[i] * values[i + 1] > 0 &&
                        std::fabs(values[i]) <= std::fabs(values[i - 1]) &&
                        std::fabs(values[i]) <= std::fabs(values[i + 1]);
      if (dips) out.push_back(nearest(grid[i - 1], grid[i + 1]));
    }
    return out;
  }

 private:
  double crossing(double low, double high, double at_low) {
    for (int step = 0; step < 24; ++step) {
      const double middle = (low + high) / 2;
      const bool same = (*this)(middle)*at_low > 0;
      (same ? low : high) = middle;
    }
    return low;
  }

  double nearest(double low, double high) {
    for (int step = 0; step < 30; ++step) {
      const double third = (high - low) / 3;
      if (std::fabs((*this)(low + third)) < std::fabs((*this)(high - third)))
        high -= third;
      else
        low += third;
    }
    return (low + high) / 2;
  }

  const Tree& tree_;
  Numeric numeric_;
  int decider_;
  Bindings at_;
  size_t moving_;
};

}  // namespace

bool has_pieces(const Tree& tree, int root) {
  const std::vector<bool> below = tree.below(root);
  for (int node = 0; node <= root; ++node) {
    if (below[static_cast<size_t>(node)] && is_piecewise(tree, node)) return true;
  }
  return false;
}

std::vector<Bindings> points_beside_breaks(Tree& tree, int a, int b, const std::vector<int>& symbols, Budget& budget) {
  std::vector<Bindings> out;
  // Both signs at several scales; with several symbols their signs vary against each other.
  constexpr auto scales = std::to_array<long>({3, 12, 40, 1000, 1'000'000'000});
  for (unsigned round = 0; round < 2 * scales.size(); ++round) {
    Bindings point;
    for (size_t i = 0; i < symbols.size(); ++i) {
      const bool minus = i == 0 ? round % 2 == 0 : (round / 2 + i) % 2 == 0;
      const Rational size = Rational(scales[round / 2]) * Rational(static_cast<long>(23 + 6 * i + round), 19);
      point.emplace_back(symbols[i], minus ? -size : size);
    }
    out.push_back(std::move(point));
  }
  for (long whole = 2; whole < 4; ++whole) {  // where whole parts jump
    Bindings point;
    for (size_t i = 0; i < symbols.size(); ++i)
      point.emplace_back(symbols[i], Rational(whole + 2 * static_cast<long>(i)));
    out.push_back(std::move(point));
  }
  const Bindings base = base_point(symbols);
  std::vector<int> inside = deciders(tree, a);
  for (const int decider : deciders(tree, b)) inside.push_back(decider);
  for (const int decider : inside) {
    for (size_t i = 0; i < symbols.size() && out.size() < 60; ++i) {
      for (const double x : Axis(tree, decider, base, i, budget).breaks()) {
        const double off = 0.01 * (1 + std::fabs(x));
        for (const double beside : {x - off, x + off}) {
          Bindings point = base;
          point[i].second = rational(beside);
          out.push_back(std::move(point));
        }
      }
    }
  }
  return out;
}

}  // namespace posttrain::mathcheck
