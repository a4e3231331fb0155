// Rewrites of random expressions: those that keep the value are accepted, those that change it are refused.
#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"
#include "mathcheck/ball.h"
#include "mathcheck/checker.h"
#include "tests/repeat.h"

namespace posttrain::rewards {
namespace {

std::string number(int64_t n) {
  return std::to_string(n);
}

std::string fraction(int64_t p, int64_t q) {
  return "\\frac{" + number(p) + "}{" + number(q) + "}";
}

// A random expression in x, y and small numbers.
std::string expression(Rng& rng, int depth) {
  const auto part = [&] { return "\\left(" + expression(rng, depth - 1) + "\\right)"; };
  if (depth == 0) {
    switch (rng.integer(0, 4)) {
      case 0:
        return "x";
      case 1:
        return "y";
      case 2:
        return "\\sqrt{" + number(rng.integer(2, 30)) + "}";
      default:
        return number(rng.integer(1, 99));
    }
  }
  switch (rng.integer(0, 4)) {
    case 0:
      return part() + "+" + part();
    case 1:
      return part() + "-" + part();
    case 2:
      return part() + part();
    case 3:
      return part() + "^2";
    default:
      return "\\frac{" + expression(rng, depth - 1) + "}{" + number(rng.integer(2, 9)) + "}";
  }
}

Verdict verdict(const std::string& gold, const std::string& answer) {
  return mathcheck::check(gold, "\\boxed{" + answer + "}").verdict;
}

TEST(MathProperty, ValuePreservingRewritesAreAccepted) {
  Rng rng({1, hash_name("rewrites")});
  for (int i = 0; i < 150; ++i) {
    const std::string e = expression(rng, static_cast<int>(rng.integer(0, 3)));
    const std::string k = number(rng.integer(2, 50));
    for (const std::string& same :
         {"\\frac{" + k + "\\left(" + e + "\\right)}{" + k + "}", "\\left(" + e + "\\right)+" + k + "-" + k,
          "-\\left(-\\left(" + e + "\\right)\\right)", k + "+" + e + "-" + k, "{" + e + "}",
          "1\\cdot\\left(" + e + "\\right)"}) {
      EXPECT_EQ(verdict(e, same), Verdict::right) << e << " against " << same;
    }
  }
}

TEST(MathProperty, ValueChangingRewritesAreRefused) {
  Rng rng({2, hash_name("changes")});
  for (int i = 0; i < 150; ++i) {
    const std::string e = expression(rng, static_cast<int>(rng.integer(0, 3)));
    const std::string k = number(rng.integer(2, 50));
    for (const std::string& other : {e + "+" + k, "\\left(" + e + "\\right)+\\frac{1}{10^{" + k + "}}", e + "+x^" + k,
                                     e + "-\\sqrt{" + k + "}", e + "+ z"}) {
      EXPECT_NE(verdict(e, other), Verdict::right) << e << " against " << other;
    }
  }
}

TEST(MathProperty, NumbersInAllSpellings) {
  Rng rng({3, hash_name("numbers")});
  for (int i = 0; i < 300; ++i) {
    const int64_t p = rng.integer(-999, 999), q = rng.integer(1, 40), k = rng.integer(2, 9);
    const std::string gold = fraction(p, q);
    EXPECT_EQ(verdict(gold, fraction(k * p, k * q)), Verdict::right);
    EXPECT_EQ(verdict(gold, number(p) + "/" + number(q)), Verdict::right);
    EXPECT_EQ(verdict(gold, number(p) + "\\cdot" + fraction(1, q)), Verdict::right);
    EXPECT_EQ(verdict(gold, fraction(p + 1, q)), Verdict::wrong);
    if (p > q && p % q != 0) {
      const std::string mixed = number(p / q) + fraction(p % q, q);
      EXPECT_EQ(verdict(gold, mixed), Verdict::right) << gold << " against " << mixed;
      EXPECT_EQ(verdict(gold, "-" + mixed), Verdict::wrong);
    }
    if (p != 0) {
      EXPECT_EQ(verdict(gold, fraction(-p, q)), Verdict::wrong);
      EXPECT_EQ(verdict(gold, fraction(p, q) + "\\cdot 10"), Verdict::wrong);
    }
  }
}

// Identities that tie the functions of Balls together at random points, at every precision.
TEST(Balls, HoldTheirErrorBounds) {
  Rng rng({4, hash_name("balls")});
  for (const unsigned long bits : {64ul, 200ul, 1000ul}) {
    const mathcheck::Balls balls(bits);
    for (int i = 0; i < 20; ++i) {
      const auto x = balls.of(mathcheck::Rational(rng.integer(-4000, 4000), 1009ul));
      const auto positive = balls.of(mathcheck::Rational(rng.integer(1, 90'000), 1009ul));
      const auto s = balls.sin(x), c = balls.cos(x);
      EXPECT_FALSE(mathcheck::disjoint(balls, balls.add(balls.mul(s, s), balls.mul(c, c)), balls.of(1)));
      EXPECT_FALSE(mathcheck::disjoint(balls, balls.log(balls.exp(x)), x));
      EXPECT_FALSE(mathcheck::disjoint(balls, balls.exp(balls.log(positive)), positive));
      EXPECT_FALSE(mathcheck::disjoint(balls, balls.mul(balls.sqrt(positive), balls.sqrt(positive)), positive));
      EXPECT_FALSE(mathcheck::disjoint(balls, balls.atan(balls.div(s, c)), balls.asin(balls.div(s, balls.abs(c)))) &&
                   c.sign() == 0);
      EXPECT_LT(balls.exp(x).radius, balls.exp(x).mid.magnitude() * std::ldexp(1.0L, 8 - static_cast<int>(bits)));
    }
    // tan(pi/4) = 1, sin(pi/6) = 1/2
    EXPECT_FALSE(mathcheck::disjoint(balls, balls.sin(balls.div(balls.pi(), balls.of(6))),
                                     balls.of(mathcheck::Rational(1, 2ul))));
    EXPECT_FALSE(mathcheck::disjoint(balls, balls.mul(balls.atan(balls.of(1)), balls.of(4)), balls.pi()));
  }
}

// Work is bounded by steps: what is hostile ends soon, and what is huge is never computed.
TEST(MathHostile, EveryInputEndsWithinItsSteps) {
  const std::string inputs[] = {
      "9^{9^{9^{9}}}",
      "(10^{9})!",
      "\\binom{10^9}{5\\cdot 10^8}",
      repeat("(", 30'000) + "1",
      repeat("\\sqrt{", 5'000) + "2",
      repeat("\\frac{1}{1+", 5'000) + "1",
      repeat("\\sin ", 5'000) + "1",
      repeat("2^", 5'000) + "2",
      repeat("1+", 20'000) + "1",
      repeat("x_", 5'000) + "1",
      repeat("a=", 5'000) + "1",
      repeat("1,", 5'000) + "1",
      repeat("\\pm 1", 300),
      repeat("|", 5'000),
      "(x+y)^{1000000}",
      "\\sum_{k=1}^{200000}\\sin k",
      repeat("\\{", 3'000),
      repeat("[1,2]\\cup", 2'000) + "[3,4]",
      repeat("\\begin{pmatrix}", 2'000),
      "\\begin",
      "1\\end 2",
      "5.\\overline{x}",
      repeat("1\\text{ m}", 2'000),
      repeat("\\boxed{", 3'000),
      repeat("answer is ", 5'000),
      "10^{-10^{10}}",
      "e^{e^{e^{e}}}",
      "\\log_{1}{1}",
      "\\frac{1}{0.000" + repeat("0", 5'000) + "1}",
      "\\sqrt[99999]{2}",
      "1e99999",
      repeat("9", 30'000),
  };
  for (const std::string& input : inputs) {
    for (const std::string& gold : {std::string("7"), std::string("x+1")}) {
      EXPECT_NE(mathcheck::check(gold, "\\boxed{" + input + "}").verdict, Verdict::right) << input.substr(0, 60);
      EXPECT_NE(mathcheck::check(gold, input).verdict, Verdict::failed) << input.substr(0, 60);
    }
    mathcheck::check(input, "\\boxed{" + input + " }");
  }
}

TEST(MathHostile, FewStepsMeanUndecidedNeverRight) {
  mathcheck::CheckOptions options;
  options.steps = 300;
  EXPECT_EQ(mathcheck::check("\\sin 2x", "\\boxed{2\\sin x\\cos x}", options).verdict, Verdict::undecided);
}

}  // namespace
}  // namespace posttrain::rewards
