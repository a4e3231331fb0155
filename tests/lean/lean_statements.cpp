#include "tests/lean/lean_statements.h"

#include <array>
#include <memory>
#include <vector>

namespace posttrain::lean::testing {
namespace {

using Values = std::array<int64_t, 3>;

struct Expression {
  char op = 'n';  // n number, v variable, + - * / %, and of formulas: = < l(e) d(vides) & | > (implies) ! (not)
  int64_t value = 0;
  std::shared_ptr<Expression> a, b;
};
using Node = std::shared_ptr<Expression>;

int64_t remainder(int64_t x, int64_t y) {
  if (y == 0) return x;
  const int64_t r = x % y;
  return r < 0 ? r + (y < 0 ? -y : y) : r;
}

struct Language {
  bool integers;
  int variables;

  Node number(Rng& rng, int depth) const {
    auto e = std::make_shared<Expression>();
    const int64_t kind = depth == 0 ? rng.integer(0, 1) : rng.integer(0, 7);
    if (kind == 0 || (kind == 1 && variables == 0)) {
      e->value = rng.integer(0, 9);
    } else if (kind <= 2) {
      e->op = variables == 0 ? 'n' : 'v';
      e->value = variables == 0 ? rng.integer(0, 9) : rng.integer(0, variables - 1);
    } else {
      e->op = "+-*+-/%"[rng.integer(0, 6)];
      e->a = number(rng, depth - 1);
      if (e->op == '/' || e->op == '%') {  // by a literal, as omega wants
        e->b = std::make_shared<Expression>();
        e->b->value = rng.integer(0, 5);
      } else {
        e->b = number(rng, depth - 1);
      }
    }
    return e;
  }

  Node formula(Rng& rng, int depth) const {
    auto e = std::make_shared<Expression>();
    if (depth == 0 || rng.chance(0.6)) {
      e->op = "=<l=ld"[rng.integer(0, 5)];
      if (e->op == 'd') {
        e->a = std::make_shared<Expression>();
        e->a->value = rng.integer(0, 5);
      } else {
        e->a = number(rng, 2);
      }
      e->b = number(rng, 2);
      return e;
    }
    e->op = "&|>!"[rng.integer(0, 3)];
    e->a = formula(rng, depth - 1);
    if (e->op != '!') e->b = formula(rng, depth - 1);
    return e;
  }

  int64_t value(const Expression& e, const Values& v) const {
    if (e.op == 'n') return e.value;
    if (e.op == 'v') return v[static_cast<size_t>(e.value)];
    if (e.op == '!') return value(*e.a, v) == 0 ? 1 : 0;
    const int64_t x = value(*e.a, v), y = value(*e.b, v);
    switch (e.op) {
      case '+':
        return x + y;
      case '-':
        return !integers && x < y ? 0 : x - y;
      case '*':
        return x * y;
      case '/':
        return y == 0 ? 0 : (x - remainder(x, y)) / y;
      case '%':
        return remainder(x, y);
      case '=':
        return x == y ? 1 : 0;
      case '<':
        return x < y ? 1 : 0;
      case 'l':
        return x <= y ? 1 : 0;
      case 'd':
        return (x == 0 ? y == 0 : remainder(y, x) == 0) ? 1 : 0;
      case '&':
        return x != 0 && y != 0 ? 1 : 0;
      case '|':
        return x != 0 || y != 0 ? 1 : 0;
      default:
        return x == 0 || y != 0 ? 1 : 0;
    }
  }

  std::string text(const Expression& e) const {
    const std::string type = integers ? "Int" : "Nat";
    if (e.op == 'n') return "(" + std::to_string(e.value) + " : " + type + ")";
    if (e.op == 'v') return std::string(1, "abc"[e.value]);
    if (e.op == '!') return "(¬" + text(*e.a) + ")";
    const char* op = e.op == 'l'   ? " ≤ "
                     : e.op == 'd' ? " ∣ "
                     : e.op == '&' ? " ∧ "
                     : e.op == '|' ? " ∨ "
                     : e.op == '>' ? " → "
                                   : nullptr;
    return "(" + text(*e.a) + (op != nullptr ? std::string(op) : std::string(" ") + e.op + " ") + text(*e.b) + ")";
  }
};

constexpr std::array<const char*, 40> tactics = {"omega",
                                                 "omega",
                                                 "linarith",
                                                 "nlinarith",
                                                 "norm_num",
                                                 "simp",
                                                 "decide",
                                                 "ring",
                                                 "rfl",
                                                 "tauto",
                                                 "constructor",
                                                 "left",
                                                 "right",
                                                 "intro h",
                                                 "exfalso",
                                                 "assumption",
                                                 "contradiction",
                                                 "norm_num at *",
                                                 "simp at *",
                                                 "subst_vars",
                                                 "interval_cases a",
                                                 "rcases h0 with h | h",
                                                 "obtain ⟨h2, h3⟩ := h0",
                                                 "exact h0",
                                                 "exact h0.1",
                                                 "apply h0",
                                                 "rw [h0]",
                                                 "rw [h0] at h1",
                                                 "rw [← h0]",
                                                 "simp only [h0]",
                                                 "by_contra h",
                                                 "induction a with\n| zero => norm_num\n| succ n ih => omega",
                                                 "positivity",
                                                 "nlinarith [sq_nonneg a]",
                                                 "nlinarith [mul_self_nonneg (a - b)]",
                                                 "cases' h0 with h2 h3",
                                                 "by_cases h : a = b",
                                                 "use 0",
                                                 "linarith [h0]",
                                                 "field_simp"};

}  // namespace

RandomStatement random_statement(Rng& rng) {
  const Language l{rng.chance(0.5), 3};
  std::vector<Node> hypotheses;
  for (int64_t n = rng.integer(0, 2); n > 0; --n) hypotheses.push_back(l.formula(rng, 1));
  const Node goal = l.formula(rng, 2);
  RandomStatement out;
  out.integers = l.integers;
  out.text = std::string("theorem t (a b c : ") + (l.integers ? "Int" : "Nat") + ")";
  for (size_t i = 0; i < hypotheses.size(); ++i)
    out.text += " (h" + std::to_string(i) + " : " + l.text(*hypotheses[i]) + ")";
  out.text += " : " + l.text(*goal);
  for (int trial = 0; trial < 300 && !out.is_false; ++trial) {
    Values v{};
    const int64_t most = trial < 150 ? 4 : 20;
    for (int64_t& x : v) x = rng.integer(l.integers ? -most : 0, most);
    bool given = true;
    for (const Node& h : hypotheses) given = given && l.value(*h, v) != 0;
    out.is_false = given && l.value(*goal, v) == 0;
  }
  return out;
}

std::string random_script(Rng& rng, const RandomStatement&) {
  std::string out;
  for (int64_t n = rng.integer(1, 4); n > 0; --n) {
    const std::string t = tactics[static_cast<size_t>(rng.integer(0, tactics.size() - 1))];
    const bool last = n == 1;
    if (!last && rng.chance(0.4) && t.find('\n') == std::string::npos)
      out += t + " <;> ";
    else if (rng.chance(0.3) && t.find('\n') == std::string::npos)
      out += "try " + t + "\n";
    else
      out += t + "\n";
  }
  if (out.ends_with("<;> ")) out += "omega";
  return out;
}

ClosedFact random_closed_fact(Rng& rng) {
  const Language l{rng.chance(0.5), 0};
  const Node fact = l.formula(rng, 1);
  return {"theorem t : " + l.text(*fact), l.value(*fact, {}) != 0};
}

}  // namespace posttrain::lean::testing
