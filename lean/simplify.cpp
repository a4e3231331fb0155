// Rewriting by equations and equivalences, and the simplifier behind simp and norm_num.
#include <algorithm>

#include "lean/eval.h"
#include "lean/lemmas.h"
#include "lean/linear.h"
#include "lean/tactics.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

namespace {

// The first closed part of `in` that the pattern matches, outermost and leftmost first.
std::optional<Term> find_instance(const Term& pattern, const Term& in, Solution& solution) {
  std::optional<Term> found;
  visit(in, [&](const Term& t) {
    if (found) return false;
    if (t->loose == 0 && t->sort == pattern->sort && t->op != Op::literal) {
      Solution trial = solution;
      if (Prover::match(pattern, t, trial)) {
        found = t;
        solution = std::move(trial);
        return false;
      }
    }
    return true;
  });
  return found;
}

bool is_fold_rule(const std::string& name) {
  return name == "Finset.sum_range_succ" || name == "Finset.prod_range_succ" || name == "Finset.sum_Icc_succ_top" ||
         name == "Finset.prod_Icc_succ_top" || name == "Finset.sum_range_zero" || name == "Nat.factorial" ||
         name == "Finset.sum_range_one" || name == "Finset.prod_range_zero" || name == "Finset.sum_Ioc_consecutive";
}

bool is_silent(const std::string& name) {  // facts that the polynomial normal form builds in
  return name == "Nat.succ_eq_add_one" || name == "Nat.cast_add" || name == "Nat.cast_one" || name == "Nat.cast_succ" ||
         name == "Nat.cast_mul" || name == "Nat.cast_zero" || name == "Nat.cast_ofNat" || name == "Nat.mul_succ" ||
         name == "Nat.ModEq" || name == "Int.ModEq" || name == "Nat.pow_succ" || name == "ge_iff_le" ||
         name == "gt_iff_lt" || name == "Nat.add_mod" || name == "Nat.mul_mod" || name == "Nat.pow_mod" ||
         name == "Int.add_emod" || name == "Int.mul_emod" || name == "Int.sub_emod" || name == "pow_mod" ||
         name == "Int.emod_emod_of_dvd" || name == "Nat.choose" || name == "ne_eq" || name == "Function.funext_iff" ||
         name == "Nat.sub_eq" || name == "*" || name == "Finset.mul_sum" || name == "Nat.gcd";
}

// A sum or product whose polynomial is not itself: the equation that unfolds it.
std::optional<Theorem> unfold_once(Prover& p, const Term& in) {
  std::optional<Theorem> out;
  visit(in, [&](const Term& t) {
    if (out) return false;
    if ((t->op == Op::sum || t->op == Op::prod || t->op == Op::factorial) && t->loose == 0) {
      Ring ring(p.budget);
      const Term unfolded = ring.term(ring.of(t), t->sort);
      if (unfolded != t && !occurs(t, unfolded)) {
        out = p.kernel.ring(t, unfolded);
        return false;
      }
    }
    return true;
  });
  return out;
}

}  // namespace

std::optional<std::pair<Theorem, Term>> rewrite_once(Prover& p, const Term& formula, const Syntax& item, bool reverse,
                                                     bool premises_pending) {
  p.budget.pay(20);
  const auto result = [&](const Theorem& equation, bool backwards) -> std::pair<Theorem, Term> {
    const auto& args = equation.conclusion()->args;
    return {equation, replace(formula, args[backwards ? 1 : 0], args[backwards ? 0 : 1])};
  };
  if (item.kind == Kind::name && p.goal().find(item.text) == nullptr) {
    if (is_fold_rule(item.text)) {
      const auto t = unfold_once(p, formula);
      if (!t) return std::nullopt;
      return result(*t, false);
    }
    if (is_silent(item.text)) return std::nullopt;
  }
  std::vector<bool> implicit;
  std::vector<const Syntax*> args;
  const Syntax* head = &item;
  if (item.kind == Kind::apply) {
    head = &item.kids[0];
    for (size_t i = 1; i < item.kids.size(); ++i) args.push_back(&item.kids[i]);
  }
  const std::vector<Theorem> all = p.readings(*head, implicit);
  const auto pending_before = p.pending.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    try {
      Application a = p.open(all[i], implicit, args, nullptr);
      const Op op = a.conclusion->op;
      if (op != Op::eq && op != Op::iff) {
        if (last) p.fail("not an equation: " + print(a.conclusion));
        continue;
      }
      Solution solution;
      if (!find_instance(a.conclusion->args[reverse ? 1 : 0], formula, solution)) continue;
      const Theorem equation = p.finish(a, solution, premises_pending);
      return result(equation, reverse);
    } catch (const TacticError&) {
      p.pending.resize(pending_before);
      if (last) throw;
    } catch (const ElaborationError&) {
      p.pending.resize(pending_before);
      if (last) throw;
    }
  }
  return std::nullopt;
}

namespace {

struct Simplifier {
  Prover& p;
  const SimpSettings& settings;
  int depth = 0;
  const Kernel& k = p.kernel;

  // whole is p ↔ q; makes it p ↔ q' by an equation or equivalence that holds.
  Theorem step(const Theorem& whole, const Theorem& equation, bool reverse = false) {
    const auto& w = whole.conclusion()->args;
    const auto& e = equation.conclusion()->args;
    const Term q = replace(w[1], e[reverse ? 1 : 0], e[reverse ? 0 : 1]);
    if (q == w[1]) throw RuleError("no progress");
    return k.rewrite(equation, make(Op::iff, {w[0], q}), whole);
  }

  // t ↔ True from t, t ↔ False from ¬t.
  Theorem as_truth(const Term& t, const Theorem& proof) {
    const bool is = proof.conclusion() == t;
    const Theorem rule =
        *tautology(k, make(Op::imp, {is ? t : negation(t), make(Op::iff, {t, is ? top() : bottom()})}));
    return k.imp_elim(rule, proof);
  }

  // The truth of a comparison whose sides differ by a constant, or that is closed.
  std::optional<Theorem> decided(const Term& t) {
    if (t->op == Op::prime || t->op == Op::dvd || t->op == Op::exists || t->op == Op::forall) {
      if (auto v = k.evaluate(t)) return as_truth(t, *v);
      return std::nullopt;
    }
    if (t->op != Op::eq && t->op != Op::le && t->op != Op::lt) return std::nullopt;
    if (auto v = k.evaluate(t)) return as_truth(t, *v);
    Ring ring(p.budget);
    const auto difference = as_constant(ring.add(ring.of(t->args[1]), ring.of(t->args[0]), -1));
    if (!difference) return std::nullopt;
    if (t->op == Op::eq && difference->is_zero()) return as_truth(t, k.ring(t->args[0], t->args[1]));
    if (!is_ordered(t->args[0]->sort)) return std::nullopt;
    const int sign = difference->sign();
    const bool is = t->op == Op::eq ? sign == 0 : t->op == Op::le ? sign >= 0 : sign > 0;
    const auto proof = by_contradiction(
        p, is ? t : negation(t), [&](const std::vector<Theorem>& negated) { return linear_contradiction(k, negated); });
    if (!proof) return std::nullopt;
    return as_truth(t, *proof);
  }

  // A number that is constant but not written as one.
  std::optional<Theorem> computed(const Term& t) {
    if (t->sort == Sort::prop || t->op == Op::literal || t->op == Op::variable || t->op == Op::bound || t->loose != 0)
      return std::nullopt;
    if (t->op == Op::neg && t->args[0]->op == Op::literal) return std::nullopt;
    Ring ring(p.budget);
    const Poly value = ring.of(t);
    const auto c = as_constant(value);
    if (c && (c->is_integer() || is_field(t->sort))) {
      const Term number = literal(*c, t->sort);
      if (t->op == Op::div && t->args[0]->op == Op::literal && t->args[1]->op == Op::literal && !c->is_integer())
        return std::nullopt;
      return k.ring(t, c->is_integer()
                           ? number
                           : make(Op::div, {literal(c->numerator(), t->sort), literal(c->denominator(), t->sort)}));
    }
    if (t->op == Op::sum || t->op == Op::prod) {
      const Term unfolded = ring.term(value, t->sort);
      if (unfolded != t && !occurs(t, unfolded)) return k.ring(t, unfolded);
    }
    return std::nullopt;
  }

  // Connectives with a side that is True or False, equal sides, double negation.
  std::optional<Theorem> logic(const Term& t) {
    if (t->op != Op::and_ && t->op != Op::or_ && t->op != Op::imp && t->op != Op::iff) return std::nullopt;
    const Term &a = t->args[0], &b = t->args[1];
    const auto is = [](const Term& x, Op op) { return x->op == op; };
    Term simpler;
    if (t->op == Op::and_) {
      if (is(a, Op::true_) || a == b)
        simpler = b;
      else if (is(b, Op::true_))
        simpler = a;
      else if (is(a, Op::false_) || is(b, Op::false_))
        simpler = bottom();
    } else if (t->op == Op::or_) {
      if (is(a, Op::false_) || a == b)
        simpler = b;
      else if (is(b, Op::false_))
        simpler = a;
      else if (is(a, Op::true_) || is(b, Op::true_))
        simpler = top();
    } else if (t->op == Op::imp) {
      if (is(a, Op::true_))
        simpler = b;
      else if (is(b, Op::true_) || is(a, Op::false_) || a == b)
        simpler = top();
      else if (is_negation(t) && is_negation(a))
        simpler = a->args[0];
    } else {
      if (is(a, Op::true_))
        simpler = b;
      else if (is(b, Op::true_))
        simpler = a;
      else if (a == b)
        simpler = top();
      else if (is(a, Op::false_))
        simpler = negation(b);
      else if (is(b, Op::false_))
        simpler = negation(a);
    }
    if (!simpler) return std::nullopt;
    return tautology(k, make(Op::iff, {t, simpler}));
  }

  std::optional<Theorem> built_in(const Term& formula) {
    std::optional<Theorem> found;
    visit(formula, [&](const Term& t) {
      if (found) return false;
      p.budget.pay(3);
      if (t->loose != 0) return true;
      if (t->sort == Sort::prop) {
        if (auto e = logic(t))
          found = e;
        else if (settings.arithmetic)
          if (auto d = decided(t)) found = d;
      } else if (settings.arithmetic) {
        if (auto c = computed(t)) found = c;
      }
      return !found;
    });
    return found;
  }

  // A premise of a conditional rule: by simplification to True.
  std::optional<Theorem> discharge(const Term& premise) {
    if (depth > 2) return std::nullopt;
    for (const Hypothesis& h : p.goal().hypotheses)
      if (h.formula == premise) return k.assume(premise);
    SimpSettings inner;
    const Theorem t = Simplifier{p, inner, depth + 1}.run(premise);
    if (t.conclusion()->args[1]->op != Op::true_) return std::nullopt;
    return k.imp_elim(k.iff_elim(t, true), k.truth());
  }

  // Rules from a theorem whose conclusion may be ∀ x, p → l = r: one rewriting of the formula by it.
  std::optional<Theorem> by_theorem(const Term& formula, const Theorem& rule, const std::vector<bool>& implicit,
                                    const std::vector<const Syntax*>& args, bool reverse) {
    Application a = p.open(rule, implicit, args, nullptr);
    const Term c = a.conclusion;
    if (c->op == Op::and_) {
      if (!a.steps.empty()) return std::nullopt;
      if (auto left = by_theorem(formula, k.and_elim(rule, false), {}, {}, reverse)) return left;
      return by_theorem(formula, k.and_elim(rule, true), {}, {}, reverse);
    }
    const bool equation = c->op == Op::eq || c->op == Op::iff;
    Term pattern = equation ? c->args[reverse ? 1 : 0] : is_negation(c) ? c->args[0] : c;
    if (pattern->op == Op::literal || pattern->op == Op::true_) return std::nullopt;
    Solution solution;
    const auto instance = find_instance(pattern, formula, solution);
    if (!instance) return std::nullopt;
    for (Application::Step& s : a.steps) {
      if (!s.premise) continue;
      const Term premise = Prover::solved(s.premise, solution);
      const auto proof = s.proof != nullptr ? std::optional(p.check(*s.proof, premise)) : discharge(premise);
      if (!proof) return std::nullopt;
      s.theorem = *proof;
    }
    const Theorem t = p.finish(a, solution, false);
    return equation ? t : as_truth(*instance, t);
  }

  std::optional<Theorem> by_item(const Term& formula, const SimpRule& rule) {
    const Syntax& item = *rule.item;
    if (item.kind == Kind::name && p.goal().find(item.text) == nullptr) {
      if (is_fold_rule(item.text)) return unfold_once(p, formula);
      if (is_silent(item.text) || item.text == "-") return std::nullopt;
    }
    std::vector<bool> implicit;
    std::vector<const Syntax*> args;
    const Syntax* head = &item;
    if (item.kind == Kind::apply) {
      head = &item.kids[0];
      for (size_t i = 1; i < item.kids.size(); ++i) args.push_back(&item.kids[i]);
    }
    for (const Theorem& t : p.readings(*head, implicit)) {
      std::optional<Theorem> out;
      attempt(p, [&] { out = by_theorem(formula, t, implicit, args, rule.reverse); });
      if (out) return out;
    }
    return std::nullopt;
  }

  Theorem run(const Term& formula) {
    Theorem whole = k.reflexivity(formula);
    for (int round = 0; round < 400; ++round) {
      p.budget.pay(20);
      const Term now = whole.conclusion()->args[1];
      if (now->op == Op::true_ || now->op == Op::false_) return whole;
      std::optional<Theorem> next;
      bool reverse = false;
      for (const SimpRule& rule : settings.rules) {
        if (auto t = by_item(now, rule)) {
          reverse = rule.reverse;
          next = t;
          break;
        }
      }
      if (!next) next = built_in(now);
      if (!next) return whole;
      const Op op = next->conclusion()->op;
      static_cast<void>(op);
      try {
        whole = step(whole, *next, reverse);
      } catch (const RuleError&) {
        return whole;
      }
    }
    return whole;
  }
};

}  // namespace

Theorem simplify(Prover& p, const Term& formula, const SimpSettings& settings) {
  return Simplifier{p, settings}.run(formula);
}

}  // namespace posttrain::lean
