// Proof terms: names, applications, ⟨⟩, fun, by, projections; and the matching that fills in implicit arguments.
#include <algorithm>

#include "lean/eval.h"
#include "lean/lemmas.h"
#include "lean/prover.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

namespace {

bool is_meta(const Term& t) {
  return t->op == Op::variable && t->args.empty() && t->name.starts_with("\x04");
}

bool has_metas(const Term& t) {
  if (is_meta(t)) return true;
  return std::ranges::any_of(t->args, has_metas);
}

}  // namespace

bool Prover::match(const Term& pattern, const Term& term, Solution& solution) {
  if (is_meta(pattern)) {
    for (const auto& [name, value] : solution)
      if (name == pattern->name) return value == term || (has_metas(value) && match(value, term, solution));
    if (pattern == term) return true;
    if (term->loose != 0 || pattern->sort != term->sort) return false;
    solution.emplace_back(pattern->name, term);
    return true;
  }
  if (pattern == term) return true;
  if (pattern->op != term->op || pattern->sort != term->sort || pattern->binder != term->binder ||
      pattern->value != term->value || pattern->args.size() != term->args.size() || pattern->args.empty() ||
      (pattern->op == Op::variable && pattern->name != term->name))
    return false;
  for (size_t i = 0; i < pattern->args.size(); ++i)
    if (!match(pattern->args[i], term->args[i], solution)) return false;
  return true;
}

Term Prover::solved(const Term& t, const Solution& solution) {
  if (!has_metas(t)) return t;
  Term out = t;
  for (int round = 0; round < 4 && has_metas(out); ++round)
    for (const auto& [name, value] : solution)
      if (has_variable(out, name)) out = replace(out, variable(name, value->sort), value);
  return out;
}

Application Prover::open(const Theorem& head, const std::vector<bool>& implicit, const std::vector<const Syntax*>& args,
                         const Term* expected) {
  Application a{head, {}, head.conclusion()};
  size_t used = 0, variables = 0;
  for (;;) {
    budget.pay();
    const bool left = used < args.size();
    if (!left && expected != nullptr && !has_metas(a.conclusion) && a.conclusion == *expected) break;
    if (a.conclusion->op == Op::forall) {
      if (!left && expected != nullptr && (*expected)->op == Op::forall) break;
      const Sort sort = a.conclusion->binder;
      const bool hidden = variables < implicit.size() && implicit[variables];
      ++variables;
      Term value;
      if (!hidden && left && bare(*args[used]).kind != Kind::hole) {
        value = elaborator().number(*args[used], sort);
      } else {
        value = variable("\x04" + std::to_string(metas_++), sort);
      }
      if (!hidden && left) ++used;
      a.conclusion = instantiate(a.conclusion->args[0], value);
      a.steps.push_back({value, {}, nullptr, {}});
      continue;
    }
    const bool wants_false = expected != nullptr && (*expected)->op == Op::false_;
    if (a.conclusion->op == Op::imp && (left || wants_false || !is_negation(a.conclusion))) {
      Solution scratch;
      if (!left && expected != nullptr && match(a.conclusion, *expected, scratch)) break;
      a.steps.push_back({{}, a.conclusion->args[0], left ? args[used] : nullptr, {}});
      if (left && bare(*args[used]).kind == Kind::hole) a.steps.back().proof = nullptr;
      if (left) ++used;
      a.conclusion = a.conclusion->args[1];
      continue;
    }
    if (left) fail("too many arguments");
    break;
  }
  return a;
}

Theorem Prover::finish(Application& a, Solution& solution, bool premises_pending) {
  // Premises whose proofs say what they prove come first: they may solve metavariables.
  for (const bool inferred : {true, false})
    for (Application::Step& step : a.steps) {
      if (!step.premise || step.proof == nullptr || step.theorem) continue;
      const Term premise = solved(step.premise, solution);
      if (has_metas(premise)) {
        if (!inferred) fail("can't tell what an argument should prove");
        const Kind kind = bare(*step.proof).kind;
        if (kind == Kind::by || kind == Kind::tuple || kind == Kind::binder) continue;
        Theorem t = infer(*step.proof);
        if (!match(premise, t.conclusion(), solution))
          fail("an argument proves\n  " + print(t.conclusion()) + "\nexpected\n  " + print(premise));
        step.theorem = std::move(t);
      } else {
        step.theorem = check(*step.proof, premise);
      }
    }
  // A premise without proof may stand among the hypotheses.
  for (Application::Step& step : a.steps) {
    if (!step.premise || step.theorem) continue;
    Term premise = solved(step.premise, solution);
    if (has_metas(premise) && !premises_pending)
      for (const Hypothesis& h : goal().hypotheses) {
        Solution trial = solution;
        if (!match(premise, h.formula, trial)) continue;
        solution = std::move(trial);
        premise = h.formula;
        break;
      }
    if (has_metas(premise)) fail("can't infer an argument");
    if (!premises_pending) fail("a premise is left unproved: " + print(premise));
    pending.push_back(premise);
    step.theorem = kernel.assume(premise);
  }
  Theorem out = a.head;
  for (const Application::Step& step : a.steps) {
    if (step.meta) {
      const Term value = solved(step.meta, solution);
      if (has_metas(value)) fail("can't infer an argument");
      out = kernel.forall_elim(out, value);
    } else {
      out = kernel.imp_elim(out, *step.theorem);
    }
  }
  return out;
}

std::vector<Theorem> Prover::readings(const Syntax& given, std::vector<bool>& implicit) {
  const Syntax& s = bare(given);
  implicit.clear();
  if (s.kind == Kind::name) {
    if (const Hypothesis* h = goal().find(s.text)) return {kernel.assume(h->formula)};
    if (const Lemma* lemma = find_lemma(s.text); lemma != nullptr && !s.text.starts_with("_")) {
      implicit = lemma_implicits(s.text);
      std::vector<Theorem> out;
      for (const Sort sort : lemma_sorts(*lemma)) out.push_back(*kernel.lemma(s.text, sort));
      return out;
    }
  }
  return {infer(s)};
}

Theorem Prover::project(const Theorem& t, const std::string& field) {
  const Term& c = t.conclusion();
  if (c->op == Op::and_) {
    if (field == "1" || field == "left") return kernel.and_elim(t, false);
    if (field == "2" || field == "right") return kernel.and_elim(t, true);
  }
  if (c->op == Op::iff) {
    if (field == "1" || field == "mp") return kernel.iff_elim(t, false);
    if (field == "2" || field == "mpr") return kernel.iff_elim(t, true);
    if (field == "symm") return kernel.iff_intro(kernel.iff_elim(t, true), kernel.iff_elim(t, false));
  }
  if (c->op == Op::eq && field == "symm") return lemma("_eq_symm", c->args[0]->sort, {c->args[0], c->args[1]}, {t});
  if (is_negation(c) && c->args[0]->op == Op::eq && field == "symm") {
    const auto& e = c->args[0]->args;
    return lemma("_ne_symm", e[0]->sort, {e[0], e[1]}, {t});
  }
  if (c->op == Op::eq && (field == "le" || field == "ge")) {
    const Theorem right = field == "le" ? t : project(t, "symm");
    return lemma("le_of_eq", c->args[0]->sort, {right.conclusion()->args[0], right.conclusion()->args[1]}, {right});
  }
  if (c->op == Op::lt && field == "le") return lemma("le_of_lt", c->args[0]->sort, {c->args[0], c->args[1]}, {t});
  if (c->op == Op::lt && field == "ne") return lemma("ne_of_lt", c->args[0]->sort, {c->args[0], c->args[1]}, {t});
  if (c->op == Op::lt && field == "ne'") return lemma("ne_of_gt", c->args[0]->sort, {c->args[1], c->args[0]}, {t});
  fail("no projection '." + field + "' of " + print(c));
}

Theorem Prover::term_of_name(const std::string& name, const Syntax& at, const Term* expected) {
  if (goal().find(name) != nullptr || find_lemma(name) != nullptr) {
    std::vector<bool> implicit;
    Syntax s = at;
    s.kind = Kind::name;
    s.text = name;
    const std::vector<Theorem> all = readings(s, implicit);
    for (size_t i = 0; i < all.size(); ++i) {
      Solution solution;
      if (expected == nullptr && implicit.empty()) return all[i];
      Application a = open(all[i], implicit, {}, expected);
      if (expected != nullptr && !match(a.conclusion, *expected, solution)) continue;
      return finish(a, solution, allow_pending);
    }
    fail(name + " doesn't prove this");
  }
  // h.1.2, h.symm, lemma.mp
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) fail("unknown '" + name + "'");
  return project(term_of_name(name.substr(0, dot), at, nullptr), name.substr(dot + 1));
}

Theorem Prover::apply_term(const Syntax& s, const Term* expected) {
  const Syntax& head = bare(s.kids[0]);
  std::vector<const Syntax*> args;
  for (size_t i = 1; i < s.kids.size(); ++i) args.push_back(&s.kids[i]);
  if (head.kind == Kind::name && goal().find(head.text) == nullptr) {
    const std::string& n = head.text;
    if (n == "absurd" && args.size() == 2) {
      const Theorem p = infer(*args[0]), not_p = check(*args[1], negation(p.conclusion()));
      const Theorem f = kernel.imp_elim(not_p, p);
      return expected != nullptr ? kernel.false_elim(f, *expected) : f;
    }
    if ((n == "Or.inl" || n == "Or.inr") && args.size() == 1 && expected != nullptr && (*expected)->op == Op::or_)
      return kernel.or_intro(check(*args[0], (*expected)->args[n == "Or.inl" ? 0 : 1]), *expected);
    if (n == "And.intro" && args.size() == 2) {
      if (expected == nullptr || (*expected)->op != Op::and_) return kernel.and_intro(infer(*args[0]), infer(*args[1]));
      return kernel.and_intro(check(*args[0], (*expected)->args[0]), check(*args[1], (*expected)->args[1]));
    }
    if (n == "Iff.intro" && args.size() == 2 && expected != nullptr && (*expected)->op == Op::iff) {
      const auto& e = (*expected)->args;
      return kernel.iff_intro(check(*args[0], make(Op::imp, {e[0], e[1]})),
                              check(*args[1], make(Op::imp, {e[1], e[0]})));
    }
    if (n == "False.elim" && args.size() == 1 && expected != nullptr)
      return kernel.false_elim(check(*args[0], bottom()), *expected);
    if (n == "Eq.symm" && args.size() == 1) return project(infer(*args[0]), "symm");
  }
  std::vector<bool> implicit;
  const std::vector<Theorem> all = readings(head, implicit);
  const auto state_before = pending.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    try {
      Solution solution;
      Application a = open(all[i], implicit, args, expected);
      if (expected != nullptr && !match(a.conclusion, *expected, solution)) {
        if (is_negation(a.conclusion) && (*expected)->op == Op::false_) fail("an argument is missing");
        fail("type mismatch: this proves\n  " + print(a.conclusion) + "\nexpected\n  " + print(*expected));
      }
      return finish(a, solution, allow_pending);
    } catch (const TacticError&) {
      if (last) throw;
    } catch (const ElaborationError&) {
      if (last) throw;
    }
    pending.resize(state_before);
  }
  fail("nothing to apply");
}

Theorem Prover::infer(const Syntax& given) {
  budget.pay(5);
  const Syntax& s = bare(given);
  if (s.kind == Kind::name) return term_of_name(s.text, s, nullptr);
  if (s.kind == Kind::apply) return apply_term(s, nullptr);
  if (s.kind == Kind::postfix && s.text.starts_with(".")) return project(infer(s.kids[0]), s.text.substr(1));
  if (s.kind == Kind::typed && s.kids.size() == 2) return check(s.kids[0], elaborator().formula(s.kids[1]));
  if (s.kind == Kind::tuple && s.kids.size() >= 2) {
    Theorem out = infer(s.kids.back());
    for (size_t i = s.kids.size() - 1; i-- > 0;) out = kernel.and_intro(infer(s.kids[i]), out);
    return out;
  }
  fail("can't tell what this term proves");
}

Theorem Prover::solve(const Term& target, const std::vector<Syntax>& tactics) {
  Goal g = goal();
  g.target = target;
  Prover inner(kernel, std::move(g), source, depth_ + 1);
  inner.run(tactics);
  if (!inner.state.open().empty()) {
    const Syntax& last = tactics.back();
    TacticError e("unsolved goals", last.place, last.end);
    e.placed = true;
    for (const size_t id : inner.state.open()) e.goals.push_back(inner.state.goal(id).text());
    throw e;
  }
  return inner.theorem();
}

Theorem Prover::check(const Syntax& given, const Term& expected) {
  budget.pay(5);
  const Syntax& s = bare(given);
  const auto mismatch = [&](const Theorem& t) {
    fail("type mismatch: this proves\n  " + print(t.conclusion()) + "\nexpected\n  " + print(expected));
  };
  switch (s.kind) {
    case Kind::by:
      return solve(expected, s.kids);
    case Kind::hole:
      if (!allow_pending) fail("a hole");
      pending.push_back(expected);
      return kernel.assume(expected);
    case Kind::tuple: {
      if (s.kids.size() == 1) return check(s.kids[0], expected);
      Syntax rest = s;
      rest.kids.erase(rest.kids.begin());
      if (expected->op == Op::and_)
        return kernel.and_intro(check(s.kids[0], expected->args[0]), check(rest, expected->args[1]));
      if (expected->op == Op::exists) {
        const Term witness = elaborator().number(s.kids[0], expected->binder);
        return kernel.exists_intro(expected, witness, check(rest, instantiate(expected->args[0], witness)));
      }
      if (expected->op == Op::iff && s.kids.size() == 2)
        return kernel.iff_intro(check(s.kids[0], make(Op::imp, {expected->args[0], expected->args[1]})),
                                check(s.kids[1], make(Op::imp, {expected->args[1], expected->args[0]})));
      fail("⟨⟩ doesn't fit " + print(expected));
    }
    case Kind::binder: {
      if (s.text != "fun") fail("not a proof");
      // The body is proved as a goal of its own by `intro names; exact body`.
      Syntax intro = s, exact = s;
      intro.kind = exact.kind = Kind::tactic;
      intro.text = "intro";
      intro.kids.clear();
      for (size_t i = 0; i + 1 < s.kids.size(); ++i) {
        Syntax name = s.kids[i];
        name.kind = name.text == "_" ? Kind::hole : Kind::name;
        name.kids.clear();
        intro.kids.push_back(std::move(name));
      }
      exact.text = "exact";
      exact.kids = {s.kids.back()};
      return solve(expected, {intro, exact});
    }
    case Kind::name:
      if (s.text == "rfl" || s.text == "trivial" || s.text == "le_rfl") {
        Syntax tactic = s;
        tactic.kind = Kind::tactic;
        if (s.text == "le_rfl") tactic.text = "rfl";
        return solve(expected, {tactic});
      }
      {
        Theorem t = term_of_name(s.text, s, &expected);
        if (t.conclusion() != expected) mismatch(t);
        return t;
      }
    case Kind::apply: {
      Theorem t = apply_term(s, &expected);
      if (t.conclusion() != expected) mismatch(t);
      return t;
    }
    default: {
      Theorem t = infer(s);
      if (t.conclusion() != expected) mismatch(t);
      return t;
    }
  }
}

}  // namespace posttrain::lean
