// rw, simp, norm_num and their kin.
#include <algorithm>

#include "lean/tactics.h"

namespace posttrain::lean {

using Kind = Syntax::Kind;

namespace {

const Syntax& list_of(const Syntax& s) {
  return s.kids[0];
}

std::vector<std::string> locations(Prover& p, const Syntax& s, bool& target) {
  const Syntax& at = s.kids.back();
  std::vector<std::string> out;
  target = at.kids.empty();
  for (const Syntax& l : at.kids) {
    if (l.text == "⊢") {
      target = true;
    } else if (l.text == "*") {
      target = true;
      for (const Hypothesis& h : p.goal().hypotheses)
        if (std::ranges::find(out, h.name) == out.end()) out.push_back(h.name);
    } else {
      out.push_back(l.text);
    }
  }
  return out;
}

bool everywhere(const Syntax& s) {
  const Syntax& at = s.kids.back();
  return at.kids.size() == 1 && at.kids[0].text == "*";
}

// Replaces hypothesis `name` by a theorem, or closes the goal when it is False.
void put(Prover& p, const std::string& name, const Theorem& t) {
  if (t.conclusion()->op == Op::false_) return p.close(p.kernel.false_elim(t, p.goal().target));
  if (t.conclusion()->op == Op::true_) {
    Goal next = p.goal();
    for (size_t i = next.hypotheses.size(); i-- > 0;)
      if (next.hypotheses[i].name == name) {
        next.hypotheses.erase(next.hypotheses.begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
    return p.refine({std::move(next)}, [](const Kernel&, std::span<const Theorem> sub) { return sub[0]; });
  }
  p.add_hypothesis(name, t, name);
}

void close_target(Prover& p, const Term& target, const std::function<Theorem(const Kernel&, const Theorem&)>& back) {
  if (target->op == Op::true_) return p.close(back(p.kernel, p.kernel.truth()));
  p.change_target(target, [back](const Kernel& k, std::span<const Theorem> sub) { return back(k, sub[0]); });
}

// Premises of conditional rewriting become goals behind the main one.
void add_pending(Prover& p) {
  std::vector<Term> premises;
  for (const Term& q : p.pending)
    if (std::ranges::find(premises, q) == premises.end()) premises.push_back(q);
  p.pending.clear();
  if (premises.empty()) return;
  const Goal g = p.goal();
  std::vector<Goal> goals = {g};
  for (const Term& q : premises) {
    Goal side = g;
    side.target = q;
    goals.push_back(std::move(side));
    goals[0].hypotheses.push_back({"premise✝", q});
  }
  p.refine(std::move(goals), [premises](const Kernel& k, std::span<const Theorem> sub) {
    Theorem out = sub[0];
    for (size_t i = 0; i < premises.size(); ++i) out = k.imp_elim(k.imp_intro(premises[i], out), sub[i + 1]);
    return out;
  });
}

void rw(Prover& p, const Syntax& s) {
  bool target = false;
  const std::vector<std::string> names = locations(p, s, target);
  if (list_of(s).kids.empty()) p.fail("rw needs rules");
  for (const Syntax& given : list_of(s).kids) {
    const bool reverse = given.is(Kind::prefix, "←");
    const Syntax& item = reverse ? given.kids[0] : given;
    p.pending.clear();
    for (const std::string& name : names) {
      const Theorem h = p.assumption(name);
      const auto step = rewrite_once(p, h.conclusion(), item, reverse, true);
      if (!step) p.fail("did not find the pattern of the rule in " + name);
      const Theorem t = p.kernel.rewrite(step->first, step->second, h);
      // What is assumed must be a goal before it is used.
      std::vector<Term> premises = p.pending;
      p.pending.clear();
      for (const Term& q : premises) p.pending.push_back(q);
      add_pending(p);
      p.add_hypothesis(name, t, name);
    }
    if (target) {
      const Term before = p.goal().target;
      const auto step = rewrite_once(p, before, item, reverse, true);
      if (!step) p.fail("did not find the pattern of the rule in the goal");
      add_pending(p);
      const Theorem equation = step->first;
      p.change_target(step->second, [equation, before](const Kernel& k, std::span<const Theorem> sub) {
        return k.rewrite(equation, before, sub[0]);
      });
    }
  }
  if (target && s.text.starts_with("rw")) {
    const Term t = p.goal().target;
    if ((t->op == Op::eq || t->op == Op::iff) && t->args[0] == t->args[1]) p.close(p.kernel.reflexivity(t->args[0]));
  }
}

SimpSettings settings_of(const Syntax& s) {
  SimpSettings out;
  for (const Syntax& item : list_of(s).kids) {
    const bool reverse = item.is(Kind::prefix, "←");
    out.rules.push_back({reverse ? &item.kids[0] : &item, reverse});
  }
  return out;
}

// Residues: a % k = r where a's atoms have known residues, by Kernel::residue; as simp does with Int.emod_emod.
bool close_residue(Prover& p) {
  const Term t = p.goal().target;
  std::vector<Theorem> known;
  for (const Theorem& f : comparisons(p, {})) {
    const Term& c = f.conclusion();
    if (c->op == Op::eq && c->args[0]->op == Op::mod && c->args[1]->op == Op::literal) known.push_back(f);
  }
  std::optional<Theorem> proof;
  const auto residue_of = [&](const Term& mod) -> std::optional<Theorem> {  // mod = literal
    if (mod->op != Op::mod || mod->args[1]->op != Op::literal || mod->args[1]->value.sign() <= 0) return std::nullopt;
    const auto modulus = mod->args[1]->value.small();
    if (!modulus || *modulus > 200) return std::nullopt;
    std::vector<Theorem> fitting;
    for (const Theorem& f : known) {
      const Term& by = f.conclusion()->args[0]->args[1];
      const bool atom = f.conclusion()->args[0]->args[0]->op == Op::variable;
      if (atom && by->op == Op::literal && Rational::euclidean_mod(by->value, mod->args[1]->value).is_zero())
        fitting.push_back(f);
    }
    for (int64_t r = 0; r < *modulus; ++r) {
      p.budget.pay(5);
      std::optional<Theorem> equal;
      const Term value = literal(r, mod->sort);
      try {
        equal = p.kernel.residue(mod->args[0], value, mod->args[1], fitting);
      } catch (const RuleError&) {
        continue;
      }
      const Theorem small = *p.kernel.evaluate(make(Op::eq, {make(Op::mod, {value, mod->args[1]}), value}));
      return p.kernel.rewrite(small, make(Op::eq, {mod, value}), *equal);
    }
    return std::nullopt;
  };
  Term now = t;
  std::vector<Theorem> equations;
  for (bool again = true; again;) {
    again = false;
    std::optional<Theorem> e;
    visit(now, [&](const Term& at) {
      if (!e && at->op == Op::mod && at->loose == 0) e = residue_of(at);
      return !e;
    });
    if (e) {
      now = replace(now, e->conclusion()->args[0], e->conclusion()->args[1]);
      equations.push_back(*e);
      again = true;
    }
  }
  if (equations.empty()) return false;
  const auto truth = p.kernel.evaluate(now);
  if (!truth || truth->conclusion() != now) return false;
  Theorem back = *truth;
  for (size_t i = equations.size(); i-- > 0;) {
    Term before = t;
    for (size_t j = 0; j < i; ++j)
      before = replace(before, equations[j].conclusion()->args[0], equations[j].conclusion()->args[1]);
    back = p.kernel.rewrite(equations[i], before, back);
  }
  p.close(back);
  return true;
}

void simp(Prover& p, const Syntax& s) {
  SimpSettings settings = settings_of(s);
  const bool wild = everywhere(s);
  bool target = false;
  const std::vector<std::string> names = locations(p, s, target);
  bool progress = false;
  for (const std::string& name : names) {
    const Hypothesis* h = p.goal().find(name);
    if (h == nullptr) {
      if (wild) continue;
      p.fail("unknown hypothesis '" + name + "'");
    }
    // A rule must not rewrite itself.
    SimpSettings own = settings;
    std::erase_if(own.rules, [&](const SimpRule& r) { return r.item->is(Kind::name, name); });
    const Theorem before = p.kernel.assume(h->formula);
    const Theorem t = simplify(p, h->formula, own);
    const Term after = t.conclusion()->args[1];
    if (after == h->formula) {
      if (!wild) p.fail("no progress at " + name);
      continue;
    }
    progress = true;
    put(p, name, p.kernel.imp_elim(p.kernel.iff_elim(t, false), before));
    if (after->op == Op::false_) return;
  }
  if (target) {
    const Term before = p.goal().target;
    const Theorem t = simplify(p, before, settings);
    const Term after = t.conclusion()->args[1];
    if (after != before) {
      progress = true;
      close_target(p, after, [t](const Kernel& k, const Theorem& q) { return k.imp_elim(k.iff_elim(t, true), q); });
      if (after->op == Op::true_) return;
    }
    if (s.text.find("only") == std::string::npos && !wild && close_residue(p)) return;
  }
  if (!progress) p.fail(s.text + " made no progress");
}

constexpr TacticEntry kRewritingTactics[] = {
    {"rw", rw},         {"rewrite", rw},    {"simp", simp},          {"simp only", simp},
    {"norm_num", simp}, {"simp_all", simp}, {"norm_num only", simp},
};

}  // namespace

std::span<const TacticEntry> rewriting_tactics() {
  return kRewritingTactics;
}

}  // namespace posttrain::lean
