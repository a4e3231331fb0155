// Values of scalar expressions, three ways: exactly as rationals, modulo a large prime, and as balls of any precision.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "mathcheck/ball.h"
#include "mathcheck/budget.h"
#include "mathcheck/tree.h"

namespace posttrain::mathcheck {

// Values of names: symbols while a formula is tried at a point, indices of sums.
using Bindings = std::vector<std::pair<int, Rational>>;

enum class State : uint8_t {
  ok,
  undefined,  // proven: 1/0, the logarithm of a negative number
  imprecise,  // more bits may tell
  huge,       // beyond the range of balls, and not zero
  unable,     // not a closed rational; a function not known here
};

// ---- exactly
struct ExactValue {
  State state = State::unable;
  Rational value;
};
// One value per node up to `root`; State::unable where a node is not below it or not rational as it stands.
std::vector<ExactValue> exact_values(const Tree& tree, int root, const Bindings& bindings, Budget& budget,
                                     int depth = 0);
ExactValue exact_value(const Tree& tree, int root, const Bindings& bindings, Budget& budget, int depth = 0);
// The terms of a sum or product over integers: first and last index; nothing when they are not finite integers.
std::optional<std::pair<long, long>> limits(const Tree& tree, int node, const Bindings& bindings, Budget& budget,
                                            int depth, int& name);

// ---- modulo a prime: rational expressions in symbols, with any integer exponents. Two that differ as rational
// functions over Q have equal values at a random point modulo a random prime with probability about degree / 2^60. The
// prime must not be known to whoever writes the answer: modulo 2^61 - 1, 2^61 is 1.
struct ModularValue {
  State state = State::unable;
  uint64_t value = 0;
};
// A prime between 2^60 and 2^61; the same for the same seed.
uint64_t random_prime(uint64_t seed);
// `exact` as from exact_values(); a symbol's value is a hash of its name and `seed`.
ModularValue modular_value(const Tree& tree, int root, const std::vector<ExactValue>& exact, uint64_t prime,
                           uint64_t seed, Budget& budget);

// ---- as balls
struct Value {
  State state = State::ok;
  Ball re, im;
  bool real = true;
};

class Numeric {
 public:
  // With `complex` roots and logarithms of negative numbers have their principal values, else they are undefined and
  // odd roots are real.
  Numeric(const Tree& tree, unsigned long bits, bool complex, bool log_is_ten, Budget& budget)
      : tree_(tree), balls_(bits), complex_(complex), log_is_ten_(log_is_ten), budget_(budget) {}

  Value value(int root, const Bindings& bindings, int depth = 0) const;
  const Balls& balls() const { return balls_; }

 private:
  Value node(int node, const std::vector<Value>& values, const Bindings& bindings, int depth) const;
  Value real(Ball ball) const;
  Value fail(State state) const;
  Value add(const Value& a, const Value& b) const;
  Value mul(const Value& a, const Value& b) const;
  Value div(const Value& a, const Value& b) const;
  Value neg(Value a) const;
  Value exp(const Value& a) const;
  Value log(const Value& a) const;
  Value pow(const Value& a, const Value& b) const;
  Value integer_power(const Value& a, long n) const;
  Value root(const Value& a, const Value& index) const;
  Value function(Function f, std::span<const Value* const> a) const;
  Value trigonometric(Function f, const Value& a) const;
  Value inverse(Function f, const Value& a) const;
  Value rounded(const Value& a, bool up) const;
  Value series(int node, const Bindings& bindings, int depth) const;
  std::optional<long> integer(const Value& a) const;  // when it is exactly one

  const Tree& tree_;
  Balls balls_;
  bool complex_, log_is_ten_;
  Budget& budget_;
};

// +1, -1 or 0 (exactly zero, or not known) for a closed real expression; nothing when it has no real value.
std::optional<int> sign_of(const Tree& tree, int root, Budget& budget);

}  // namespace posttrain::mathcheck
