// Case distinctions: rcases patterns, cases, induction, interval_cases, subst, calc.
#include <algorithm>

#include "lean/eval.h"
#include "lean/tactics.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

Theorem transport(const Kernel& k, const Theorem& equation, const std::vector<Hypothesis>& hypotheses,
                  const Term& target, const Term& from, const Term& to, const Theorem& about) {
  Theorem out = about;
  for (const Hypothesis& h : hypotheses) {
    const Term changed = replace(h.formula, from, to);
    if (changed == h.formula || std::ranges::find(out.hypotheses(), changed) == out.hypotheses().end()) continue;
    out = k.imp_elim(k.imp_intro(changed, out), k.rewrite(equation, changed, k.assume(h.formula)));
  }
  return k.rewrite(equation, target, out);
}

void substitute_variable(Prover& p, const Theorem& given) {
  Theorem equation = given;
  const auto usable = [](const Term& x, const Term& e) {
    return x->op == Op::variable && x->args.empty() && !has_variable(e, x->name);
  };
  const Term& e = given.conclusion();
  if (e->op != Op::eq) p.fail("not an equation");
  // Like Lean: h : a = b replaces b by a when b is a variable, else a by b.
  if (usable(e->args[1], e->args[0])) {
    equation = p.lemma("_eq_symm", e->args[0]->sort, {e->args[0], e->args[1]}, {given});
  } else if (!usable(e->args[0], e->args[1])) {
    p.fail("neither side is a free variable");
  }
  const Term from = equation.conclusion()->args[0], to = equation.conclusion()->args[1];
  const Goal g = p.goal();
  Goal next = g;
  next.target = replace(g.target, from, to);
  for (Hypothesis& h : next.hypotheses) h.formula = replace(h.formula, from, to);
  std::erase_if(next.hypotheses, [](const Hypothesis& h) {
    return h.formula->op == Op::eq && h.formula->args[0] == h.formula->args[1];
  });
  std::erase_if(next.variables, [&](const Variable& v) { return v.id == from->name; });
  p.refine({std::move(next)}, [equation, g, from, to](const Kernel& k, std::span<const Theorem> sub) {
    return transport(k, equation, g.hypotheses, g.target, from, to, sub[0]);
  });
}

void destruct(Prover& p, const Theorem& t, const Syntax& pattern) {
  p.budget.pay(5);
  const Term& c = t.conclusion();
  if (pattern.kind == Kind::name && pattern.text == "rfl") return substitute_variable(p, t);
  if (pattern.kind == Kind::name) return p.add_hypothesis(pattern.text, t);
  if (pattern.kind == Kind::hole) return p.add_hypothesis("h✝", t);
  if (pattern.kind == Kind::tuple && pattern.kids.size() == 1) return destruct(p, t, pattern.kids[0]);
  Syntax rest = pattern;
  rest.kids.erase(rest.kids.begin());
  if (rest.kids.size() == 1) rest = Syntax(rest.kids[0]);
  if (pattern.kind == Kind::infix) {
    if (c->op != Op::or_) p.fail("not a disjunction");
    const Goal g = p.goal();
    p.refine({g, g}, [t](const Kernel& k, std::span<const Theorem> sub) { return k.or_elim(t, sub[0], sub[1]); });
    const size_t left = p.state.open()[0], right = p.state.open()[1];
    on_goal(p, left, [&] { destruct(p, p.kernel.assume(c->args[0]), pattern.kids[0]); });
    on_goal(p, right, [&] { destruct(p, p.kernel.assume(c->args[1]), rest); });
    return;
  }
  if (c->op == Op::and_) {
    destruct(p, p.kernel.and_elim(t, false), pattern.kids[0]);
    return destruct(p, p.kernel.and_elim(t, true), rest);
  }
  if (c->op == Op::iff) {
    destruct(p, p.kernel.iff_elim(t, false), pattern.kids[0]);
    return destruct(p, p.kernel.iff_elim(t, true), rest);
  }
  if (c->op == Op::exists) {
    const std::string name = pattern.kids[0].kind == Kind::name ? pattern.kids[0].text : "x✝";
    const std::string id = p.fresh_id(name);
    Goal next = p.goal();
    next.variables.push_back({name, id, {}, c->binder});
    p.refine({std::move(next)},
             [t, id](const Kernel& k, std::span<const Theorem> sub) { return k.exists_elim(t, id, sub[0]); });
    return destruct(p, p.kernel.assume(instantiate(c->args[0], variable(id, c->binder))), rest);
  }
  p.fail("the pattern doesn't fit " + print(c));
}

namespace {

Syntax name_node(const Syntax& at, const std::string& name) {
  Syntax s = at;
  s.kids.clear();
  s.kind = name == "_" ? Kind::hole : Kind::name;
  s.text = name;
  return s;
}

// Runs the alternative named `constructor` on goal id; with no alternatives given the goal stays open.
void run_alternative(Prover& p, const Syntax& s, size_t id, const std::string& constructor,
                     const std::function<void(const std::vector<std::string>& names)>& prepare) {
  std::vector<std::string> names;
  const Syntax* body = nullptr;
  for (size_t i = 1; i < s.kids.size(); ++i) {
    const Syntax& a = s.kids[i];
    if (a.kind != Kind::names || a.kids.size() < 2 || a.kids[1].text != constructor) continue;
    body = &a.kids[0];
    for (size_t k = 2; k < a.kids.size(); ++k) names.push_back(a.kids[k].text);
  }
  if (body == nullptr && s.kids.size() > 1) p.fail("no alternative '" + constructor + "'");
  std::vector<size_t> left = on_goal(p, id, [&] {
    prepare(names);
    if (body != nullptr) p.run(body->kids);
  });
  if (body != nullptr && !left.empty()) {
    TacticError e("unsolved goals", body->place, body->end);
    e.placed = true;
    for (const size_t open : left) e.goals.push_back(p.state.goal(open).text());
    throw e;
  }
}

struct InductionNames {
  std::string variable = "n", hypothesis = "ih";
};

// Splits the goal by n = 0 or n + 1; hypotheses about n go into the statement and come back.
std::pair<size_t, size_t> split_natural(Prover& p, const Variable& n, const InductionNames& names,
                                        bool keep_hypothesis) {
  const Goal g = p.goal();
  if (n.sort != Sort::nat || !n.args.empty()) p.fail("induction is over natural numbers only");
  std::vector<Hypothesis> moved;
  Goal base = g;
  std::erase_if(base.hypotheses, [&](const Hypothesis& h) {
    const bool depends = has_variable(h.formula, n.id);
    if (depends) moved.push_back(h);
    return depends;
  });
  Term statement = g.target;
  for (size_t i = moved.size(); i-- > 0;) statement = make(Op::imp, {moved[i].formula, statement});
  const Term all = quantify(Op::forall, Sort::nat, n.name, abstract(statement, n.id, Sort::nat));
  std::erase_if(base.variables, [&](const Variable& v) { return v.id == n.id; });
  Goal step = base;
  base.target = instantiate(all->args[0], literal(0, Sort::nat));
  const std::string id = p.fresh_id(names.variable);
  const Term m = variable(id, Sort::nat);
  step.variables.push_back({names.variable, id, {}, Sort::nat});
  const Term before = instantiate(all->args[0], m);
  step.target = instantiate(all->args[0], make(Op::add, {m, literal(1, Sort::nat)}));
  if (keep_hypothesis) step.hypotheses.push_back({names.hypothesis, before});
  p.refine({base, step}, [=](const Kernel& k, std::span<const Theorem> sub) {
    const Theorem next = k.forall_intro(id, Sort::nat, "n", k.imp_intro(before, sub[1]));
    Theorem out = k.forall_elim(k.induction(all, sub[0], next), variable(n.id, Sort::nat));
    for (const Hypothesis& h : moved) out = k.imp_elim(out, k.assume(h.formula));
    return out;
  });
  const std::vector<size_t> open = p.state.open();
  std::vector<size_t> made;
  for (size_t i = 0; i < 2; ++i) {
    const std::vector<size_t> left = on_goal(p, open[i], [&] {
      for (const Hypothesis& h : moved) {
        const Term premise = p.goal().target->args[0];
        p.change_target(p.goal().target->args[1], [premise](const Kernel& k, std::span<const Theorem> sub) {
          return k.imp_intro(premise, sub[0]);
        });
        p.add_hypothesis(h.name, p.kernel.assume(premise));
      }
    });
    made.push_back(left[0]);
  }
  return {made[0], made[1]};
}

const Variable* natural_variable(const Prover& p, const Syntax& s) {
  if (s.kind != Kind::name || p.goal().find(s.text) != nullptr) return nullptr;
  const auto& all = p.goal().variables;
  for (size_t i = all.size(); i-- > 0;)
    if (all[i].name == s.text) return &all[i];
  return nullptr;
}

void induction(Prover& p, const Syntax& s) {
  const Variable* found = natural_variable(p, s.kids[0]);
  if (found == nullptr) p.fail("induction takes a variable");
  const Variable n = *found;
  InductionNames names{n.name, "ih"};
  const bool primed = s.text == "induction'" || s.text == "cases'";
  const bool keep = s.text.starts_with("induction");
  if (primed) {
    if (s.kids.size() > 1) names.variable = s.kids[1].text;
    if (s.kids.size() > 2) names.hypothesis = s.kids[2].text;
  } else {
    for (size_t i = 1; i < s.kids.size(); ++i) {
      const auto& kids = s.kids[i].kids;
      if (kids.size() > 2 && kids[1].text == "succ") names.variable = kids[2].text;
      if (kids.size() > 3 && kids[1].text == "succ") names.hypothesis = kids[3].text;
    }
  }
  const auto [zero, step] = split_natural(p, n, names, keep);
  if (primed) return;
  run_alternative(p, s, zero, "zero", [](const auto&) {});
  run_alternative(p, s, step, "succ", [](const auto&) {});
}

void cases(Prover& p, const Syntax& s) {
  if (natural_variable(p, s.kids[0]) != nullptr) return induction(p, s);
  const Theorem t = p.infer(s.kids[0]);
  const Term c = t.conclusion();
  const auto given = [&](size_t i, const std::string& otherwise) {
    return name_node(s, s.kids.size() > i ? s.kids[i].text : otherwise);
  };
  Syntax pattern = s;
  pattern.text.clear();
  if (s.text == "cases'") {
    pattern.kind = c->op == Op::or_ ? Kind::infix : Kind::tuple;
    pattern.kids = {given(1, "h"), given(2, "h")};
    return destruct(p, t, pattern);
  }
  if (c->op == Op::or_) {
    const Goal g = p.goal();
    p.refine({g, g}, [t](const Kernel& k, std::span<const Theorem> sub) { return k.or_elim(t, sub[0], sub[1]); });
    const size_t goals[] = {p.state.open()[0], p.state.open()[1]};
    for (const size_t i : {0, 1})
      run_alternative(p, s, goals[i], i == 0 ? "inl" : "inr", [&](const std::vector<std::string>& names) {
        destruct(p, p.kernel.assume(c->args[i]), name_node(s, names.empty() ? "h" : names[0]));
      });
    return;
  }
  run_alternative(p, s, p.main(), c->op == Op::iff ? "mk" : "intro", [&](const std::vector<std::string>& names) {
    pattern.kind = Kind::tuple;
    pattern.kids = {name_node(s, !names.empty() ? names[0] : "left"),
                    name_node(s, names.size() > 1 ? names[1] : "right")};
    destruct(p, t, pattern);
  });
}

void subst(Prover& p, const Syntax& s) {
  for (const Syntax& h : s.kids) substitute_variable(p, p.assumption(h.text));
}

void subst_vars(Prover& p, const Syntax&) {
  for (bool again = true; again;) {
    again = false;
    for (const Hypothesis& h : std::vector<Hypothesis>(p.goal().hypotheses))
      if (h.formula->op == Op::eq && attempt(p, [&] { substitute_variable(p, p.kernel.assume(h.formula)); })) {
        again = true;
        break;
      }
  }
}

void interval_cases(Prover& p, const Syntax& s) {
  const Variable* found = s.kids.empty() ? nullptr : natural_variable(p, s.kids[0]);
  if (found == nullptr || !is_integral(found->sort)) p.fail("interval_cases takes an integer variable");
  const Sort sort = found->sort;
  const Term x = variable(found->id, sort);
  const Goal g = p.goal();
  std::optional<Rational> low, high;
  if (sort == Sort::nat) low = 0;
  const std::vector<Theorem> facts = comparisons(p, {});
  Ring ring(p.budget);
  const Poly px = ring.of(x);
  for (const Theorem& t : facts) {  // x + c ≤ d in any spelling
    const Term& c = t.conclusion();
    if (!is_integral(c->args[0]->sort) || (c->op != Op::le && c->op != Op::lt && c->op != Op::eq)) continue;
    const Poly d = ring.add(ring.of(c->args[1]), ring.of(c->args[0]), -1);  // >= 0
    if (d.size() > 2 || !d.contains(px.begin()->first)) continue;
    const Rational a = d.at(px.begin()->first), k = d.contains({}) ? d.at({}) : 0;
    if (d.size() == 2 && !d.contains({})) continue;
    const Rational edge = -k / a, strict = c->op == Op::lt ? 1 : 0;
    if (a.sign() > 0 || c->op == Op::eq) {
      const Rational v = c->op == Op::lt ? edge.floor() + Rational(1) : -((-edge).floor());
      if (!low || v > *low) low = v;
    }
    if (a.sign() < 0 || c->op == Op::eq) {
      const Rational v = c->op == Op::lt ? -((-edge).floor()) - Rational(1) : edge.floor();
      if (!high || v < *high) high = v;
    }
  }
  if (!low || !high) p.fail("no bounds of the variable among the hypotheses");
  const auto count = (*high - *low + Rational(1)).small();
  if (!count || *count > 1100) p.fail("too many cases");
  std::vector<Goal> goals;
  for (Rational v = *low; v <= *high; v += 1) {
    p.budget.pay(10);
    Goal next = g;
    const Term k = literal(v, sort);
    next.target = replace(g.target, x, k);
    for (Hypothesis& h : next.hypotheses) h.formula = replace(h.formula, x, k);
    std::erase_if(next.variables, [&](const Variable& w) { return w.id == x->name; });
    goals.push_back(std::move(next));
  }
  const Rational first = *low, last = *high;
  p.refine(std::move(goals), [=](const Kernel& k, std::span<const Theorem> sub) {
    const auto at_least = [&](const Rational& v) { return make(Op::le, {literal(v, sort), x}); };
    const auto from_facts = [&](const Term& claim, const Term& negated) {  // claim, refuting its negation
      std::vector<Theorem> all = facts;
      all.push_back(k.assume(negated));
      const auto contradiction = linear_contradiction(k, all);
      if (!contradiction) throw RuleError("a bound does not follow");
      const Theorem no = k.imp_intro(negated, *contradiction);
      const auto& args = claim->args;
      return k.imp_elim(k.iff_elim(k.forall_elim(k.forall_elim(*k.lemma("not_lt", sort), args[1]), args[0]), false),
                        no);
    };
    // Above the last value nothing is left.
    std::vector<Theorem> above = facts;
    above.push_back(k.assume(at_least(last + Rational(1))));
    const auto end = linear_contradiction(k, above);
    if (!end) throw RuleError("a bound does not follow");
    Theorem rest = k.false_elim(*end, g.target);
    for (Rational v = last; v >= first; v -= 1) {
      const Term value = literal(v, sort);
      const Theorem either = k.split(x, value);
      const Term &below = either.conclusion()->args[0], &next = either.conclusion()->args[1];
      Theorem equal = *k.lemma("le_antisymm", sort);
      for (const Term& i : {x, value}) equal = k.forall_elim(equal, i);
      equal = k.imp_elim(k.imp_elim(equal, k.assume(below)), k.assume(at_least(v)));
      const Theorem here =
          transport(k, equal, g.hypotheses, g.target, x, value, sub[static_cast<size_t>(*(v - first).small())]);
      const Theorem higher =
          k.rewrite(k.ring(next->args[0], literal(v + Rational(1), sort)), at_least(v + Rational(1)), k.assume(next));
      rest = k.or_elim(either, here, k.imp_elim(k.imp_intro(at_least(v + Rational(1)), rest), higher));
    }
    const Term lowest = at_least(first);
    return k.imp_elim(k.imp_intro(lowest, rest), from_facts(lowest, make(Op::lt, {x, literal(first, sort)})));
  });
}

Theorem chain(const Prover& p, const Theorem& a, const Theorem& b) {
  const Term &s = a.conclusion(), &t = b.conclusion();
  if (s->op == Op::eq) return p.kernel.rewrite(a, make(t->op, {s->args[0], t->args[1]}), b);
  if (t->op == Op::eq) return p.kernel.rewrite(b, make(s->op, {s->args[0], t->args[1]}), a);
  const char* name = s->op == Op::le ? (t->op == Op::le ? "le_trans" : "lt_of_le_of_lt")
                                     : (t->op == Op::le ? "lt_of_lt_of_le" : "lt_trans");
  return p.lemma(name, s->args[0]->sort, {s->args[0], s->args[1], t->args[1]}, {a, b});
}

void calc(Prover& p, const Syntax& s) {
  std::optional<Theorem> whole;
  const Syntax* left = nullptr;
  bool reversed = false;
  for (const Syntax& step : s.kids) {
    Syntax relation = step.kids[0];
    if (relation.kind != Kind::infix || relation.kids.size() != 2) p.fail("a calc step is a relation");
    if (left != nullptr && relation.kids[0].kind == Kind::hole) relation.kids[0] = *left;
    left = &step.kids[0].kids[1];
    reversed |= relation.text == ">" || relation.text == "≥";
    const Theorem t = p.check(step.kids[1], p.elaborator().formula(relation));
    const Op op = t.conclusion()->op;
    if (op != Op::eq && op != Op::le && op != Op::lt) p.fail("a calc step is =, < or ≤");
    // a ≥ b is b ≤ a: the chain then grows to the left.
    if (!whole)
      whole = t;
    else
      whole = reversed && relation.text != "=" ? chain(p, t, *whole)
              : reversed                       ? chain(p,
                                                       p.lemma("_eq_symm", t.conclusion()->args[0]->sort,
                                                               {t.conclusion()->args[0], t.conclusion()->args[1]}, {t}),
                                                       *whole)
                                               : chain(p, *whole, t);
  }
  if (!whole) p.fail("calc without steps");
  p.close(*whole);
}

constexpr TacticEntry kCasesTactics[] = {
    {"cases", cases}, {"cases'", cases},          {"induction", induction},           {"induction'", induction},
    {"subst", subst}, {"subst_vars", subst_vars}, {"interval_cases", interval_cases}, {"calc", calc},
};

}  // namespace

std::span<const TacticEntry> case_tactics() {
  return kCasesTactics;
}

}  // namespace posttrain::lean
