#include "lean/linear.h"

#include <algorithm>
#include <set>

namespace posttrain::lean {
namespace {

// A number with an infinitesimal part: a + b ε.
struct DeltaRational {
  Rational a, b;
};
DeltaRational operator+(const DeltaRational& x, const DeltaRational& y) {
  return {x.a + y.a, x.b + y.b};
}
DeltaRational operator-(const DeltaRational& x, const DeltaRational& y) {
  return {x.a - y.a, x.b - y.b};
}
DeltaRational operator*(const Rational& c, const DeltaRational& x) {
  return {c * x.a, c * x.b};
}
bool operator<(const DeltaRational& x, const DeltaRational& y) {
  const int c = compare(x.a, y.a);
  return c != 0 ? c < 0 : x.b < y.b;
}

// The general simplex of Dutertre and de Moura ("A fast linear-arithmetic solver for DPLL(T)", CAV 2006): slack s_i =
// row i without its constant, bounded below (equations on both sides); the monomials are free.
class Simplex {
 public:
  Simplex(const std::vector<LinearRow>& rows, Budget& budget) : budget_(budget), rows_(static_cast<int>(rows.size())) {
    std::map<Monomial, int> columns;
    for (const LinearRow& row : rows)
      for (const auto& [m, c] : row.p)
        if (!m.empty()) columns.try_emplace(m, static_cast<int>(columns.size()));
    const size_t n = columns.size();
    table_.assign(rows.size(), std::vector<Rational>(n));
    for (size_t i = 0; i < rows.size(); ++i) {
      Rational k = 0;
      for (const auto& [m, c] : rows[i].p) {
        if (m.empty())
          k = c;
        else
          table_[i][static_cast<size_t>(columns[m])] = c;
      }
      low_.push_back({-k, rows[i].strict ? 1 : 0});
      equation_.push_back(rows[i].equation);
      basic_.push_back(static_cast<int>(i));
    }
    for (size_t j = 0; j < n; ++j) nonbasic_.push_back(rows_ + static_cast<int>(j));
    value_.assign(rows.size() + n, DeltaRational{});
  }

  // Factors of the rows whose combination is contradictory; nothing when the rows can be satisfied.
  std::optional<std::vector<Rational>> conflict() {
    for (;;) {
      size_t leaving = basic_.size();
      for (size_t i = 0; i < basic_.size(); ++i)
        if (violated(basic_[i]) != 0 && (leaving == basic_.size() || basic_[i] < basic_[leaving])) leaving = i;
      if (leaving == basic_.size()) return std::nullopt;
      const bool up = violated(basic_[leaving]) < 0;  // its value must grow
      size_t entering = nonbasic_.size();
      for (size_t j = 0; j < nonbasic_.size(); ++j) {
        const int sign = table_[leaving][j].sign() * (up ? 1 : -1);
        if (sign != 0 && (sign > 0 ? can_grow(nonbasic_[j]) : can_shrink(nonbasic_[j])) &&
            (entering == nonbasic_.size() || nonbasic_[j] < nonbasic_[entering]))
          entering = j;
      }
      if (entering == nonbasic_.size()) return explain(leaving, up);
      pivot(leaving, entering);
    }
  }

 private:
  bool is_slack(int v) const { return v < rows_; }
  // -1 below its bound, 1 above, 0 within.
  int violated(int v) const {
    if (!is_slack(v)) return 0;
    const auto i = static_cast<size_t>(v);
    if (value_[i] < low_[i]) return -1;
    return equation_[i] && low_[i] < value_[i] ? 1 : 0;
  }
  bool can_grow(int v) const {
    return !is_slack(v) || !equation_[static_cast<size_t>(v)] ||
           value_[static_cast<size_t>(v)] < low_[static_cast<size_t>(v)];
  }
  bool can_shrink(int v) const { return !is_slack(v) || low_[static_cast<size_t>(v)] < value_[static_cast<size_t>(v)]; }

  std::vector<Rational> explain(size_t row, bool up) const {
    std::vector<Rational> out(static_cast<size_t>(rows_));
    out[static_cast<size_t>(basic_[row])] = up ? 1 : -1;
    for (size_t j = 0; j < nonbasic_.size(); ++j)
      if (!table_[row][j].is_zero()) out[static_cast<size_t>(nonbasic_[j])] = up ? -table_[row][j] : table_[row][j];
    return out;
  }

  void pivot(size_t row, size_t column) {
    const int leaving = basic_[row], entering = nonbasic_[column];
    const auto l = static_cast<size_t>(leaving), e = static_cast<size_t>(entering);
    const Rational a = table_[row][column];
    const DeltaRational theta = (Rational(1) / a) * (low_[l] - value_[l]);
    budget_.pay(static_cast<int64_t>(table_.size() * nonbasic_.size() / 4 + 10));
    value_[l] = low_[l];
    value_[e] = value_[e] + theta;
    for (size_t i = 0; i < basic_.size(); ++i)
      if (i != row && !table_[i][column].is_zero()) {
        const auto b = static_cast<size_t>(basic_[i]);
        value_[b] = value_[b] + table_[i][column] * theta;
      }
    // leaving = ... + a entering  =>  entering = leaving / a - ...
    const Rational inverse = Rational(1) / a;
    for (size_t j = 0; j < nonbasic_.size(); ++j) table_[row][j] = j == column ? inverse : -(table_[row][j] * inverse);
    for (size_t i = 0; i < basic_.size(); ++i) {
      const Rational c = table_[i][column];
      if (i == row || c.is_zero()) continue;
      for (size_t j = 0; j < nonbasic_.size(); ++j) {
        if (j == column)
          table_[i][j] = c * inverse;
        else if (!table_[row][j].is_zero())
          table_[i][j] += c * table_[row][j];
      }
    }
    std::swap(basic_[row], nonbasic_[column]);
  }

  Budget& budget_;
  int rows_;
  std::vector<std::vector<Rational>> table_;  // basic = table * nonbasic
  std::vector<int> basic_, nonbasic_;         // variables: slacks 0..rows-1, then monomials
  std::vector<DeltaRational> value_, low_;
  std::vector<bool> equation_;
};

bool can_round(const Ring& ring, const LinearRow& row) {
  if (row.equation) return false;
  bool some = false;
  for (const auto& [m, c] : row.p) {
    if (!ring.integral(m)) return false;
    some |= !m.empty();
  }
  return some;
}

// What rounding makes of a row; see Kernel::refute.
LinearRow rounded(const LinearRow& row) {
  Rational lcm = 1, gcd = 0, k = 0;
  for (const auto& [m, c] : row.p)
    if (!m.empty()) lcm = lcm * c.denominator() / Rational::gcd(lcm, c.denominator());
  for (const auto& [m, c] : row.p)
    if (!m.empty()) gcd = Rational::gcd(gcd, c * lcm);
  const Rational scale = lcm / gcd;
  LinearRow out;
  for (const auto& [m, c] : row.p) {
    if (m.empty())
      k = c * scale;
    else
      out.p[m] = c * scale;
  }
  const Rational c = row.strict ? -((-k).floor() + Rational(1)) : k.floor();
  if (!c.is_zero()) out.p[{}] = c;
  return out;
}

}  // namespace

std::optional<LinearRow> linear_row(Ring& ring, const Term& fact) {
  if ((fact->op != Op::eq && fact->op != Op::le && fact->op != Op::lt) || !is_ordered(fact->args[0]->sort))
    return std::nullopt;
  return LinearRow{ring.add(ring.of(fact->args[1]), ring.of(fact->args[0]), -1), fact->op == Op::lt,
                   fact->op == Op::eq};
}

std::vector<Term> natural_monomials(Ring& ring, const std::vector<LinearRow>& rows) {
  std::set<Monomial> seen;
  for (const LinearRow& row : rows)
    for (const auto& [m, c] : row.p)
      if (!m.empty() && ring.natural(m)) seen.insert(m);
  std::vector<Term> out;
  for (const Monomial& m : seen) out.push_back(ring.term(Poly{{m, 1}}, Sort::nat));
  return out;
}

std::optional<Refutation> refute_rationals(Ring& ring, std::vector<LinearRow> rows, const std::vector<Term>& naturals) {
  Refutation out;
  out.naturals = naturals;
  for (const Term& n : naturals) rows.push_back({ring.of(n)});
  std::vector<size_t> index;
  for (size_t i = 0; i < rows.size(); ++i) index.push_back(i);
  const size_t given = rows.size();
  for (size_t i = 0; i < given; ++i) {
    if (!can_round(ring, rows[i])) continue;
    LinearRow r = rounded(rows[i]);
    if (!rows[i].strict && r.p == rows[i].p) continue;
    rows[i] = std::move(r);
    index[i] = given + out.steps.size();
    out.steps.push_back({{{i, Rational(1)}}, true});
  }
  const auto factors = Simplex(rows, ring.budget()).conflict();
  if (!factors) return std::nullopt;
  Refutation::Step last;
  for (size_t i = 0; i < given; ++i)
    if (!(*factors)[i].is_zero()) last.terms.emplace_back(index[i], (*factors)[i]);
  out.steps.push_back(std::move(last));
  return out;
}

namespace {

// One row over numbered integer unknowns, and where it stands in the certificate.
struct IntRow {
  std::map<int, Rational> c;
  Rational k;
  bool equation = false;
  size_t index = 0;
};

class Integers {
 public:
  // `zero`: the row that says 0 >= 0.
  Integers(size_t given, size_t zero, Budget& budget) : budget_(budget), given_(given), zero_(zero) {}

  // The steps so far; `rows` all have integer coefficients, not strict.
  std::optional<std::vector<Refutation::Step>> solve(std::vector<IntRow> rows) {
    if (!eliminate_equations(rows)) return needed();
    for (;;) {
      budget_.pay(static_cast<int64_t>(rows.size()));
      tidy(rows);
      for (const IntRow& r : rows)
        if (r.c.empty() && r.k.sign() < 0) {
          last_ = r.index;
          return needed();
        }
      if (!project(rows)) return std::nullopt;
    }
  }
  size_t add_step(Refutation::Step step) {
    steps_.push_back(std::move(step));
    return given_ + steps_.size() - 1;
  }

 private:
  // row + factor * other, as a step.
  IntRow combine(const IntRow& a, const Rational& fa, const IntRow& b, const Rational& fb) {
    budget_.pay(static_cast<int64_t>(a.c.size() + b.c.size()));
    IntRow out;
    out.equation = a.equation && b.equation;
    for (const auto& [v, c] : a.c) out.c[v] = c * fa;
    for (const auto& [v, c] : b.c) {
      Rational& at = out.c[v];
      at += c * fb;
      if (at.is_zero()) out.c.erase(v);
    }
    out.k = a.k * fa + b.k * fb;
    const bool round = !out.equation && !out.c.empty();
    out.index = add_step({{{a.index, fa}, {b.index, fb}}, round});
    if (round) {
      const Rational g = content(out);
      for (auto& [v, c] : out.c) c = c / g;
      out.k = (out.k / g).floor();
    }
    return out;
  }

  static Rational content(const IntRow& row) {
    Rational g = 0;
    for (const auto& [v, c] : row.c) g = Rational::gcd(g, c);
    return g;
  }

  // False when a contradiction was found (last_ is its row).
  bool eliminate_equations(std::vector<IntRow>& rows) {
    for (int round = 0; round < 200; ++round) {
      size_t chosen = rows.size();
      int var = 0;
      Rational least;
      for (size_t i = 0; i < rows.size(); ++i) {
        if (!rows[i].equation) continue;
        if (rows[i].c.empty()) {
          if (rows[i].k.is_zero()) continue;
          last_ = rows[i].index;
          return false;
        }
        const Rational g = content(rows[i]);
        if (!(rows[i].k / g).is_integer()) {  // g divides the sum but not the constant
          const size_t up = add_step({{{rows[i].index, Rational(1)}, {zero_, Rational(1)}}, true});
          const size_t down = add_step({{{rows[i].index, Rational(-1)}, {zero_, Rational(1)}}, true});
          last_ = add_step({{{up, Rational(1)}, {down, Rational(1)}}, false});
          return false;
        }
        for (const auto& [v, c] : rows[i].c) {
          const Rational size = (c.sign() < 0 ? -c : c) / g;
          if (chosen == rows.size() || size < least) {
            chosen = i;
            var = v;
            least = size;
          }
        }
      }
      if (chosen == rows.size()) return true;
      const IntRow eq = rows[chosen];
      const Rational a = eq.c.at(var);
      if (least.is_one()) {
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(chosen));
        for (IntRow& row : rows)
          if (const auto at = row.c.find(var); at != row.c.end()) row = combine(row, 1, eq, -(at->second / a));
        continue;
      }
      // var = fresh - Σ q_j x_j: the same lattice, smaller coefficients in this equation.
      std::map<int, Rational> q;
      for (const auto& [v, c] : eq.c)
        if (v != var) q[v] = (c / a + Rational(1, 2)).floor();
      const int fresh = next_var_++;
      for (IntRow& row : rows) {
        const auto at = row.c.find(var);
        if (at == row.c.end()) continue;
        const Rational c = at->second;
        row.c.erase(at);
        row.c[fresh] = c;
        for (const auto& [v, f] : q) {
          Rational& x = row.c[v];
          x -= c * f;
          if (x.is_zero()) row.c.erase(v);
        }
      }
    }
    return true;
  }

  // Keeps the tightest of rows with the same coefficients.
  static void tidy(std::vector<IntRow>& rows) {
    std::map<std::map<int, Rational>, IntRow> best;
    for (IntRow& row : rows) {
      const auto [at, fresh] = best.try_emplace(row.c, row);
      if (!fresh && row.k < at->second.k) at->second = row;
    }
    rows.clear();
    for (auto& [c, row] : best)
      if (!c.empty() || row.k.sign() < 0) rows.push_back(std::move(row));
  }

  // Eliminates one unknown by pairing its lower and upper bounds; false when none is left or it would grow too much.
  bool project(std::vector<IntRow>& rows) {
    std::map<int, std::pair<int64_t, int64_t>> counts;
    for (const IntRow& row : rows)
      for (const auto& [v, c] : row.c) (c.sign() > 0 ? counts[v].first : counts[v].second)++;
    if (counts.empty()) return false;
    int var = 0;
    int64_t best = -1;
    for (const auto& [v, n] : counts)
      if (const int64_t cost = n.first * n.second; best < 0 || cost < best) {
        best = cost;
        var = v;
      }
    if (best > 4000 || rows.size() > 3000) return false;
    std::vector<IntRow> lower, upper, rest;
    for (IntRow& row : rows) {
      const auto at = row.c.find(var);
      (at == row.c.end() ? rest : at->second.sign() > 0 ? lower : upper).push_back(std::move(row));
    }
    for (const IntRow& l : lower)
      for (const IntRow& u : upper) rest.push_back(combine(l, -u.c.at(var), u, l.c.at(var)));
    rows = std::move(rest);
    return true;
  }

  // The steps that the last row depends on.
  std::vector<Refutation::Step> needed() {
    std::vector<bool> used(steps_.size());
    if (last_ < given_) {
      steps_.push_back({{{last_, Rational(1)}}, false});
      return {steps_.back()};
    }
    used[last_ - given_] = true;
    for (size_t i = last_ - given_ + 1; i-- > 0;)
      if (used[i])
        for (const auto& [index, factor] : steps_[i].terms)
          if (index >= given_) used[index - given_] = true;
    std::vector<Refutation::Step> out;
    std::vector<size_t> moved(steps_.size());
    for (size_t i = 0; i <= last_ - given_; ++i) {
      if (!used[i]) continue;
      moved[i] = given_ + out.size();
      out.push_back(steps_[i]);
      for (auto& [index, factor] : out.back().terms)
        if (index >= given_) index = moved[index - given_];
    }
    return out;
  }

  Budget& budget_;
  size_t given_, zero_, last_ = 0;  // zero_ makes an inequality of an equation
  int next_var_ = 1 << 20;
  std::vector<Refutation::Step> steps_;
};

}  // namespace

std::optional<Refutation> refute_integers(Ring& ring, std::vector<LinearRow> rows, const std::vector<Term>& naturals) {
  Refutation out;
  out.naturals = naturals;
  out.naturals.push_back(literal(0, Sort::nat));
  for (const Term& n : out.naturals) rows.push_back({ring.of(n)});
  Integers integers(rows.size(), rows.size() - 1, ring.budget());
  std::map<Monomial, int> unknowns;
  std::vector<IntRow> all;
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    LinearRow row = rows[i];
    size_t index = i;
    if (can_round(ring, row)) {
      row = rounded(row);
      index = integers.add_step({{{i, Rational(1)}}, true});
    } else if (row.equation) {
      Rational lcm = 1;
      for (const auto& [m, c] : row.p) {
        if (!ring.integral(m)) lcm = 0;
        if (!lcm.is_zero()) lcm = lcm * c.denominator() / Rational::gcd(lcm, c.denominator());
      }
      if (lcm.is_zero()) continue;
      if (!lcm.is_one()) {
        row.p = ring.add({}, row.p, lcm);
        index = integers.add_step({{{i, lcm}}, false});
      }
    } else if (!as_constant(row.p)) {
      continue;
    }
    IntRow r;
    r.equation = row.equation;
    r.index = index;
    for (const auto& [m, c] : row.p) {
      if (m.empty())
        r.k = c;
      else
        r.c[unknowns.try_emplace(m, static_cast<int>(unknowns.size())).first->second] = c;
    }
    if (row.strict && r.c.empty()) {  // 0 < c
      if (r.k.sign() > 0) continue;
      out.steps = {{{{index, Rational(1)}}, false}};
      return out;
    }
    all.push_back(std::move(r));
  }
  auto steps = integers.solve(std::move(all));
  if (!steps) return std::nullopt;
  out.steps = std::move(*steps);
  return out;
}

}  // namespace posttrain::lean
