// omega: linear arithmetic over ℤ and ℕ with literals as divisors. Facts are taken apart into comparisons; what stands
// for / % - | min max gets its defining facts; disjunctions are split last.
#include <algorithm>
#include <set>

#include "lean/linear.h"
#include "lean/tactics.h"

namespace posttrain::lean {
namespace {

struct Omega {
  Prover& p;
  const Kernel& k = p.kernel;

  struct Branch {
    std::vector<Theorem> facts;     // comparisons
    std::vector<Theorem> splits;    // disjunctions
    std::set<std::string> defined;  // atoms whose facts are in
  };

  static bool arithmetic(const Term& t) {
    switch (t->op) {
      case Op::eq:
      case Op::le:
      case Op::lt:
      case Op::dvd:
        return is_integral(t->args[0]->sort);
      case Op::and_:
      case Op::or_:
      case Op::imp:
      case Op::iff:
        return arithmetic(t->args[0]) && arithmetic(t->args[1]);
      case Op::true_:
      case Op::false_:
        return true;
      default:
        return false;
    }
  }

  // From t and the tautology t → q: q.
  std::optional<Theorem> by_logic(const Theorem& t, const Term& q) {
    const auto rule = tautology(k, make(Op::imp, {t.conclusion(), q}));
    if (!rule) return std::nullopt;
    return k.imp_elim(*rule, t);
  }

  void add_by_logic(Branch& b, const Theorem& t, const Term& q) {
    if (const auto next = by_logic(t, q)) add(b, *next);
  }

  void add(Branch& b, const Theorem& t) {
    p.budget.pay(5);
    const Term& c = t.conclusion();
    if (!arithmetic(c)) {
      if (c->op == Op::and_) {
        add(b, k.and_elim(t, false));
        add(b, k.and_elim(t, true));
      }
      return;
    }
    const auto both = [](Op op, const Term& x, const Term& y) { return make(op, {x, y}); };
    switch (c->op) {
      case Op::and_:
        add(b, k.and_elim(t, false));
        add(b, k.and_elim(t, true));
        return;
      case Op::or_:
        b.splits.push_back(t);
        return;
      case Op::iff: {
        const Term &x = c->args[0], &y = c->args[1];
        return add_by_logic(b, t, both(Op::or_, both(Op::and_, x, y), both(Op::and_, negation(x), negation(y))));
      }
      case Op::dvd: {
        const Theorem iff = p.lemma("_dvd_mod", c->args[0]->sort, {c->args[0], c->args[1]});
        return add(b, k.imp_elim(k.iff_elim(iff, false), t));
      }
      case Op::eq:
      case Op::le:
      case Op::lt:
        b.facts.push_back(t);
        return define(b, c);
      case Op::false_:
        b.facts.push_back(p.kernel.false_elim(t, make(Op::lt, {literal(0, Sort::nat), literal(0, Sort::nat)})));
        return;
      case Op::imp:
        break;
      default:
        return;
    }
    const Term &x = c->args[0], &y = c->args[1];
    if (y->op != Op::false_) return add_by_logic(b, t, both(Op::or_, negation(x), y));
    switch (x->op) {  // a negation
      case Op::eq:
        return add(b, p.lemma("_cases_ne", x->args[0]->sort, {x->args[0], x->args[1]}, {t}));
      case Op::lt:
      case Op::le: {
        const Theorem iff = p.lemma(x->op == Op::lt ? "not_lt" : "not_le", x->args[0]->sort, {x->args[0], x->args[1]});
        return add(b, k.imp_elim(k.iff_elim(iff, false), t));
      }
      case Op::dvd: {  // d ∤ n: n % d = 0 would give d ∣ n
        const Theorem iff = p.lemma("_dvd_mod", x->args[0]->sort, {x->args[0], x->args[1]});
        const Term zero = iff.conclusion()->args[1];
        const Theorem divides = k.imp_elim(k.iff_elim(iff, true), k.assume(zero));
        return add(b, k.imp_intro(zero, k.imp_elim(t, divides)));
      }
      case Op::and_:
        return add_by_logic(b, t, both(Op::or_, negation(x->args[0]), negation(x->args[1])));
      case Op::or_:
        return add_by_logic(b, t, both(Op::and_, negation(x->args[0]), negation(x->args[1])));
      case Op::iff:
        return add_by_logic(b, t,
                            both(Op::or_, both(Op::and_, x->args[0], negation(x->args[1])),
                                 both(Op::and_, negation(x->args[0]), x->args[1])));
      case Op::imp:
        return add_by_logic(b, t, both(Op::and_, x->args[0], negation(x->args[1])));
      default:
        return;
    }
  }

  // The facts that define the operations in a comparison.
  void define(Branch& b, const Term& c) {
    std::vector<Term> found;
    visit(c, [&](const Term& t) {
      const bool op = t->op == Op::div || t->op == Op::mod || (t->op == Op::sub && t->sort == Sort::nat) ||
                      t->op == Op::min || t->op == Op::max || t->op == Op::abs;
      if (op && is_integral(t->sort) && t->loose == 0) found.push_back(t);
      return t->op != Op::sum && t->op != Op::prod && t->op != Op::ite;
    });
    for (const Term& t : found) {
      const std::string key = (t->op == Op::div ? print(make(Op::mod, t->args)) : print(t)) + sort_name(t->sort);
      if (!b.defined.insert(key).second) continue;
      if (t->op == Op::div || t->op == Op::mod) {
        const Term d = t->args[1];
        if (d->op != Op::literal || d->value.sign() <= 0) continue;
        const auto positive = k.evaluate(make(Op::lt, {literal(0, d->sort), d}));
        add(b, p.lemma("_div_mod", t->sort, {t->args[0], d}));
        add(b, p.lemma("_mod_bounds", t->sort, {t->args[0], d}, {*positive}));
      } else if (t->op == Op::sub) {
        add(b, p.lemma("_nat_sub", Sort::nat, {t->args[0], t->args[1]}));
      } else if (t->op == Op::abs) {
        add(b, p.lemma("abs_cases", t->sort, {t->args[0]}));
      } else {
        add(b, p.lemma(t->op == Op::min ? "_min_cases" : "_max_cases", t->sort, {t->args[0], t->args[1]}));
      }
    }
  }

  std::optional<Theorem> contradiction(Branch b, int depth) {
    p.budget.pay(50);
    Ring ring(p.budget);
    std::vector<LinearRow> rows;
    std::vector<Theorem> used;
    for (const Theorem& t : b.facts) {
      auto row = linear_row(ring, t.conclusion());
      if (!row) continue;
      rows.push_back(std::move(*row));
      used.push_back(t);
    }
    if (const auto certificate = refute_integers(ring, rows, natural_monomials(ring, rows)))
      return k.refute(used, *certificate);
    if (b.splits.empty() || depth >= 24) return std::nullopt;
    const Theorem either = b.splits.front();
    b.splits.erase(b.splits.begin());
    std::optional<Theorem> parts[2];
    for (const size_t i : {0, 1}) {
      Branch side = b;
      add(side, k.assume(either.conclusion()->args[i]));
      parts[i] = contradiction(std::move(side), depth + 1);
      if (!parts[i]) return std::nullopt;
    }
    return k.or_elim(either, *parts[0], *parts[1]);
  }
};

void omega(Prover& p, const Syntax&) {
  Omega o{p};
  Omega::Branch b;
  const Term target = p.goal().target;
  for (const Hypothesis& h : p.goal().hypotheses) o.add(b, p.kernel.assume(h.formula));
  const bool negate = target->op != Op::false_ && Omega::arithmetic(target);
  if (negate) o.add(b, p.kernel.assume(negation(target)));
  const auto f = o.contradiction(std::move(b), 0);
  if (!f) p.fail("omega could not prove the goal");
  if (!negate) return p.close(p.kernel.false_elim(*f, target));
  p.close(p.kernel.or_elim(p.kernel.excluded_middle(target), p.kernel.assume(target), p.kernel.false_elim(*f, target)));
}

constexpr TacticEntry kOmegaTactics[] = {{"omega", omega}};

}  // namespace

std::span<const TacticEntry> omega_tactics() {
  return kOmegaTactics;
}

}  // namespace posttrain::lean
