// Control (<;>, first, try, ·), introduction and elimination of connectives.
#include <algorithm>

#include "lean/eval.h"
#include "lean/tactics.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

std::vector<size_t> on_goal(Prover& p, size_t id, const std::function<void()>& f) {
  const std::vector<size_t> before = p.state.open();
  p.state.focus_only({id});
  f();
  std::vector<size_t> left = p.state.open();
  std::vector<size_t> all;
  for (const size_t other : before) {
    if (other == id)
      all.insert(all.end(), left.begin(), left.end());
    else
      all.push_back(other);
  }
  p.state.focus_only(all);
  return left;
}

bool attempt(Prover& p, const std::function<void()>& f) {
  const auto mark = p.state.mark();
  const Syntax* current = p.current;
  try {
    f();
    return true;
  } catch (const OutOfBudget&) {
    throw;
  } catch (const std::runtime_error&) {
    p.state.back_to(mark);
    p.current = current;
    p.pending.clear();
    p.allow_pending = false;
    return false;
  }
}

namespace {

void then_all(Prover& p, const Syntax& s) {  // t <;> u: u on each goal that t made of the main one
  const size_t main = p.main();
  const std::vector<size_t> made = on_goal(p, main, [&] { p.run(s.kids[0]); });
  for (const size_t id : made) on_goal(p, id, [&] { p.run(s.kids[1]); });
}

void first(Prover& p, const Syntax& s) {
  for (const Syntax& alternative : s.kids)
    if (attempt(p, [&] { p.run(alternative.kids); })) return;
  p.fail("no alternative of 'first' applies");
}

void try_it(Prover& p, const Syntax& s) {
  attempt(p, [&] { p.run(s.kids[0].kids); });
}

void repeat(Prover& p, const Syntax& s) {
  for (int i = 0; i < 200 && !p.state.open().empty(); ++i) {
    p.budget.pay(50);
    if (!attempt(p, [&] { p.run(s.kids[0].kids); })) return;
  }
}

void all_goals(Prover& p, const Syntax& s) {
  for (const size_t id : std::vector<size_t>(p.state.open())) on_goal(p, id, [&] { p.run(s.kids[0].kids); });
}

void any_goals(Prover& p, const Syntax& s) {
  bool some = false;
  for (const size_t id : std::vector<size_t>(p.state.open())) {
    const std::vector<size_t> before = p.state.open();
    const bool done = attempt(p, [&] { on_goal(p, id, [&] { p.run(s.kids[0].kids); }); });
    if (!done) p.state.focus_only(before);
    some |= done;
  }
  if (!some) p.fail("no goal where the tactic applies");
}

void bullet(Prover& p, const Syntax& s) {
  const std::vector<size_t> left = on_goal(p, p.main(), [&] { p.run(s.kids[0].kids); });
  if (left.empty()) return;
  TacticError e("unsolved goals", s.place, s.end);
  e.placed = true;
  for (const size_t id : left) e.goals.push_back(p.state.goal(id).text());
  throw e;
}

void group(Prover& p, const Syntax& s) {
  p.run(s.kids);
}

void skip(Prover&, const Syntax&) {}

void done(Prover& p, const Syntax&) {
  if (!p.state.open().empty()) p.fail("unsolved goals");
}

void intro_one(Prover& p, const Syntax& pattern) {
  const Goal& g = p.goal();
  const Term target = g.target;
  if (target->op == Op::forall) {
    const bool named = pattern.kind == Kind::name;
    const std::string name = named ? pattern.text : target->name.empty() ? "x" : target->name;
    const std::string id = p.fresh_id(name);
    const Sort sort = target->binder;
    Goal next = g;
    next.variables.push_back({named ? name : name + "✝", id, {}, sort});
    next.target = instantiate(target->args[0], variable(id, sort));
    const std::string hint = target->name;
    p.refine({std::move(next)}, [id, sort, hint](const Kernel& k, std::span<const Theorem> sub) {
      return k.forall_intro(id, sort, hint, sub[0]);
    });
    return;
  }
  if (target->op != Op::imp) p.fail("nothing to introduce");
  const Term premise = target->args[0];
  p.change_target(target->args[1],
                  [premise](const Kernel& k, std::span<const Theorem> sub) { return k.imp_intro(premise, sub[0]); });
  destruct(p, p.kernel.assume(premise), pattern);
}

void intro(Prover& p, const Syntax& s) {
  if (!s.kids.empty()) {
    for (const Syntax& pattern : s.kids) intro_one(p, pattern);
    return;
  }
  Syntax hole = s;
  hole.kind = Kind::hole;
  do intro_one(p, hole);
  while (s.text == "intros" && (p.goal().target->op == Op::forall || p.goal().target->op == Op::imp));
}

void exact(Prover& p, const Syntax& s) {
  p.close(p.check(s.kids[0], p.goal().target));
}

// Closes the goal by t, whose assumed premises become goals.
void close_with_pending(Prover& p, const Theorem& t) {
  std::vector<Term> premises;
  for (const Term& q : p.pending)
    if (std::ranges::find(premises, q) == premises.end()) premises.push_back(q);
  p.pending.clear();
  p.allow_pending = false;
  if (t.conclusion() != p.goal().target) p.fail("type mismatch: this proves\n  " + print(t.conclusion()));
  std::vector<Goal> goals;
  for (const Term& q : premises) {
    Goal g = p.goal();
    g.target = q;
    goals.push_back(std::move(g));
  }
  p.refine(std::move(goals), [t, premises](const Kernel& k, std::span<const Theorem> sub) {
    Theorem out = t;
    for (size_t i = 0; i < premises.size(); ++i) out = k.imp_elim(k.imp_intro(premises[i], out), sub[i]);
    return out;
  });
}

void refine_by(Prover& p, const Syntax& s) {
  p.pending.clear();
  p.allow_pending = true;
  Syntax term = s.kids[0];
  if (s.text == "apply" && term.kind == Kind::name) {  // apply h: as h applied to nothing yet
    const bool dotted = p.goal().find(term.text) == nullptr && term.text.find('.') != std::string::npos;
    Syntax call = term;
    call.kind = Kind::apply;
    call.text.clear();
    call.kids = {term};
    if (!dotted || find_tactic(term.text) != nullptr) term = call;
  }
  const Theorem t = p.check(term, p.goal().target);
  close_with_pending(p, t);
}

void assumption(Prover& p, const Syntax&) {
  for (const Hypothesis& h : p.goal().hypotheses)
    if (h.formula == p.goal().target) return p.close(p.kernel.assume(h.formula));
  p.fail("no hypothesis is the goal");
}

void rfl(Prover& p, const Syntax&) {
  const Term t = p.goal().target;
  if ((t->op == Op::eq || t->op == Op::iff) && t->args[0] == t->args[1])
    return p.close(p.kernel.reflexivity(t->args[0]));
  if (t->op == Op::le && t->args[0] == t->args[1]) return p.close(p.lemma("le_refl", t->args[0]->sort, {t->args[0]}));
  if (t->op == Op::eq) {
    const auto value = p.kernel.evaluate(t);
    if (value && value->conclusion() == t) return p.close(*value);
  }
  p.fail("the two sides are not the same by computation");
}

void decide_goal(Prover& p, const Syntax&) {
  const auto value = p.kernel.evaluate(p.goal().target);
  if (!value) p.fail("can't decide this goal");
  if (value->conclusion() != p.goal().target) p.fail("decide: the goal is false");
  p.close(*value);
}

bool contradiction_in(Prover& p) {
  for (const Hypothesis& h : p.goal().hypotheses) {
    const Term target = p.goal().target;
    if (h.formula->op == Op::false_) {
      p.close(p.kernel.false_elim(p.kernel.assume(h.formula), target));
      return true;
    }
    if (!is_negation(h.formula)) continue;
    for (const Hypothesis& other : p.goal().hypotheses)
      if (other.formula == h.formula->args[0]) {
        p.close(
            p.kernel.false_elim(p.kernel.imp_elim(p.kernel.assume(h.formula), p.kernel.assume(other.formula)), target));
        return true;
      }
  }
  return false;
}

void contradiction(Prover& p, const Syntax&) {
  if (!contradiction_in(p)) p.fail("no contradiction among the hypotheses");
}

void trivial(Prover& p, const Syntax& s) {
  if (p.goal().target->op == Op::true_) return p.close(p.kernel.truth());
  if (attempt(p, [&] { rfl(p, s); }) || attempt(p, [&] { assumption(p, s); })) return;
  decide_goal(p, s);
}

void exfalso(Prover& p, const Syntax&) {
  const Term target = p.goal().target;
  p.change_target(bottom(),
                  [target](const Kernel& k, std::span<const Theorem> sub) { return k.false_elim(sub[0], target); });
}

void symm(Prover& p, const Syntax&) {
  const Term t = p.goal().target;
  if (t->op != Op::eq) p.fail("not an equation");
  const Term a = t->args[0], b = t->args[1];
  p.change_target(make(Op::eq, {b, a}), [a, b](const Kernel& k, std::span<const Theorem> sub) {
    Theorem l = k.forall_elim(k.forall_elim(*k.lemma("_eq_symm", a->sort), b), a);
    return k.imp_elim(l, sub[0]);
  });
}

void constructor(Prover& p, const Syntax&) {
  const Goal g = p.goal();
  const Term& t = g.target;
  Goal left = g, right = g;
  if (t->op == Op::and_) {
    left.target = t->args[0];
    right.target = t->args[1];
    return p.refine({left, right}, [](const Kernel& k, std::span<const Theorem> s) { return k.and_intro(s[0], s[1]); });
  }
  if (t->op == Op::iff) {
    left.target = make(Op::imp, {t->args[0], t->args[1]});
    right.target = make(Op::imp, {t->args[1], t->args[0]});
    return p.refine({left, right}, [](const Kernel& k, std::span<const Theorem> s) { return k.iff_intro(s[0], s[1]); });
  }
  if (t->op == Op::true_) return p.close(p.kernel.truth());
  p.fail("the goal has no constructor that is known here");
}

void split_ands(Prover& p, const Syntax& s) {
  for (bool again = true; again;) {
    again = false;
    for (const size_t id : std::vector<size_t>(p.state.open()))
      if (p.state.goal(id).target->op == Op::and_) {
        on_goal(p, id, [&] { constructor(p, s); });
        again = true;
      }
  }
}

void side(Prover& p, const Syntax& s) {
  const Term t = p.goal().target;
  if (t->op != Op::or_) p.fail("the goal is not a disjunction");
  p.change_target(t->args[s.text == "left" ? 0 : 1],
                  [t](const Kernel& k, std::span<const Theorem> sub) { return k.or_intro(sub[0], t); });
}

void use(Prover& p, const Syntax& s) {
  for (const Syntax& witness : s.kids) {
    const Term t = p.goal().target;
    if (t->op != Op::exists) {
      p.close(p.check(witness, t));
      return;
    }
    const Term w = p.elaborator().number(witness, t->binder);
    p.change_target(instantiate(t->args[0], w),
                    [t, w](const Kernel& k, std::span<const Theorem> sub) { return k.exists_intro(t, w, sub[0]); });
  }
  attempt(p, [&] { rfl(p, s); });
}

void show(Prover& p, const Syntax& s) {
  if (p.elaborator().formula(s.kids[0]) != p.goal().target) p.fail("'" + s.text + "' states another goal");
}

void have(Prover& p, const Syntax& s) {
  const Syntax& bound = s.kids[0];
  const std::string name = bound.text.empty() ? "this" : bound.text;
  if (bound.kids.empty()) return p.add_hypothesis(name, p.infer(s.kids[1]));
  p.add_hypothesis(name, p.check(s.kids[1], p.elaborator().formula(bound.kids[0])));
}

void obtain(Prover& p, const Syntax& s) {
  const Theorem t = s.kids.size() > 2 ? p.check(s.kids[1], p.elaborator().formula(s.kids[2])) : p.infer(s.kids[1]);
  destruct(p, t, s.kids[0]);
}

void specialize(Prover& p, const Syntax& s) {
  const Syntax& call = s.kids[0];
  if (call.kind != Kind::apply || call.kids[0].kind != Kind::name)
    p.fail("specialize takes a hypothesis with arguments");
  const std::string name = call.kids[0].text;
  p.assumption(name);
  p.add_hypothesis(name, p.infer(call), name);
}

void by_contra(Prover& p, const Syntax& s) {
  const std::string name = s.kids.empty() ? "this" : s.kids[0].text;
  const Term t = p.goal().target;
  if (is_negation(t)) {
    p.change_target(bottom(),
                    [t](const Kernel& k, std::span<const Theorem> sub) { return k.imp_intro(t->args[0], sub[0]); });
    return destruct(p, p.kernel.assume(t->args[0]), [&] {
      Syntax n = s;
      n.kind = Kind::name;
      n.text = name;
      return n;
    }());
  }
  Goal next = p.goal();
  const Term no = negation(t);
  next.hypotheses.push_back({name, no});
  next.target = bottom();
  p.refine({std::move(next)}, [t](const Kernel& k, std::span<const Theorem> sub) {
    return k.or_elim(k.excluded_middle(t), k.assume(t), k.false_elim(sub[0], t));
  });
}

void by_cases(Prover& p, const Syntax& s) {
  const std::string name = s.kids[0].kind == Kind::name ? s.kids[0].text : "h";
  const Term c = p.elaborator().formula(s.kids[1]);
  Goal yes = p.goal(), no = p.goal();
  yes.hypotheses.push_back({name, c});
  no.hypotheses.push_back({name, negation(c)});
  p.refine({yes, no}, [c](const Kernel& k, std::span<const Theorem> sub) {
    return k.or_elim(k.excluded_middle(c), sub[0], sub[1]);
  });
}

void clear(Prover& p, const Syntax& s) {
  Goal next = p.goal();
  for (const Syntax& name : s.kids)
    std::erase_if(next.hypotheses, [&](const Hypothesis& h) { return h.name == name.text; });
  p.refine({std::move(next)}, [](const Kernel&, std::span<const Theorem> sub) { return sub[0]; });
}

// Takes hypotheses and goal apart until assumption or contradiction closes each branch.
void tauto_search(Prover& p, int depth) {
  p.budget.pay(20);
  if (depth > 24) p.fail("tauto: too deep");
  const Goal g = p.goal();
  Syntax hole;
  hole.kind = Kind::hole;
  for (const Hypothesis& h : g.hypotheses)
    if (h.formula == g.target) return p.close(p.kernel.assume(h.formula));
  if (contradiction_in(p)) return;
  if (const auto t = tautology(p.kernel, g.target)) return p.close(*t);
  const auto go_on = [&] {
    for (const size_t id : std::vector<size_t>(p.state.open())) on_goal(p, id, [&] { tauto_search(p, depth + 1); });
  };
  for (size_t i = 0; i < g.hypotheses.size(); ++i) {
    const Term f = g.hypotheses[i].formula;
    if (f->op != Op::and_ && f->op != Op::or_ && f->op != Op::iff) continue;
    Goal next = g;
    next.hypotheses.erase(next.hypotheses.begin() + static_cast<std::ptrdiff_t>(i));
    p.refine({std::move(next)}, [](const Kernel&, std::span<const Theorem> sub) { return sub[0]; });
    Syntax pattern = hole;
    pattern.kind = f->op == Op::or_ ? Kind::infix : Kind::tuple;
    pattern.kids = {hole, hole};
    destruct(p, p.kernel.assume(f), pattern);
    return go_on();
  }
  for (const Hypothesis& h : g.hypotheses)  // modus ponens
    if (h.formula->op == Op::imp)
      for (const Hypothesis& q : g.hypotheses)
        if (q.formula == h.formula->args[0]) {
          const Theorem t = p.kernel.imp_elim(p.kernel.assume(h.formula), p.kernel.assume(q.formula));
          if (std::ranges::any_of(g.hypotheses, [&](const Hypothesis& k) { return k.formula == t.conclusion(); }))
            continue;
          p.add_hypothesis("h✝", t);
          return go_on();
        }
  if (g.target->op == Op::imp || g.target->op == Op::forall) {
    intro_one(p, hole);
    return go_on();
  }
  if (g.target->op == Op::and_ || g.target->op == Op::iff) {
    constructor(p, hole);
    return go_on();
  }
  if (g.target->op == Op::or_)
    for (const char* which : {"left", "right"}) {
      Syntax s = hole;
      s.text = which;
      if (attempt(p, [&] {
            on_goal(p, p.main(), [&] {
              side(p, s);
              tauto_search(p, depth + 1);
            });
          }))
        return;
    }
  for (const Hypothesis& h : g.hypotheses)  // to use p → q, prove p
    if (h.formula->op == Op::imp && g.target->op == Op::false_) {
      const Term f = h.formula;
      const auto use_it = [&] {
        Goal premise = g;
        premise.target = f->args[0];
        if (f->args[1]->op != Op::false_) p.fail("not a negation");
        p.refine({premise},
                 [f](const Kernel& k, std::span<const Theorem> sub) { return k.imp_elim(k.assume(f), sub[0]); });
        go_on();
      };
      if (attempt(p, use_it)) return;
    }
  p.fail("tauto failed");
}

void tauto(Prover& p, const Syntax&) {
  on_goal(p, p.main(), [&] { tauto_search(p, 0); });
}

constexpr TacticEntry kLogicTactics[] = {
    {"<;>", then_all},
    {"first", first},
    {"try", try_it},
    {"repeat", repeat},
    {"all_goals", all_goals},
    {"any_goals", any_goals},
    {"·", bullet},
    {"(", group},
    {"skip", skip},
    {"done", done},
    {"norm_cast", skip},
    {"push_cast", skip},
    {"intro", intro},
    {"intros", intro},
    {"rintro", intro},
    {"exact", exact},
    {"apply", refine_by},
    {"refine", refine_by},
    {"assumption", assumption},
    {"rfl", rfl},
    {"decide", decide_goal},
    {"trivial", trivial},
    {"contradiction", contradiction},
    {"exfalso", exfalso},
    {"symm", symm},
    {"constructor", constructor},
    {"split_ands", split_ands},
    {"left", side},
    {"right", side},
    {"use", use},
    {"exists", use},
    {"show", show},
    {"change", show},
    {"have", have},
    {"obtain", obtain},
    {"rcases", obtain},
    {"specialize", specialize},
    {"by_contra", by_contra},
    {"by_cases", by_cases},
    {"clear", clear},
    {"tauto", tauto},
};

}  // namespace

std::span<const TacticEntry> logic_tactics() {
  return kLogicTactics;
}

Tactic find_tactic(std::string_view name) {
  for (const auto entries :
       {logic_tactics(), case_tactics(), rewriting_tactics(), arithmetic_tactics(), field_tactics(), omega_tactics()})
    for (const TacticEntry& e : entries)
      if (e.name == name) return e.run;
  return nullptr;
}

}  // namespace posttrain::lean
