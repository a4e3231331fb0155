#include "lean/theorem.h"

#include <algorithm>

#include "lean/eval.h"
#include "lean/lemmas.h"

namespace posttrain::lean {
namespace {

using Terms = std::vector<Term>;

void insert(Terms& into, const Term& t) {
  if (std::ranges::find(into, t) == into.end()) into.push_back(t);
}

Terms join(const Terms& a, const Terms& b) {
  Terms out = a;
  for (const Term& t : b) insert(out, t);
  return out;
}

Terms without(const Terms& from, const Term& t) {
  Terms out;
  for (const Term& h : from)
    if (h != t) out.push_back(h);
  return out;
}

bool free_in(const Terms& terms, const std::string& name) {
  return std::ranges::any_of(terms, [&](const Term& t) { return has_variable(t, name); });
}

}  // namespace

Theorem Kernel::assume(const Term& p) const {
  need(p->sort == Sort::prop && p->loose == 0, "only a closed formula is assumed");
  return {{p}, p};
}

Theorem Kernel::truth() const {
  return {{}, top()};
}

Theorem Kernel::and_intro(const Theorem& a, const Theorem& b) const {
  return {join(a.hypotheses_, b.hypotheses_), make(Op::and_, {a.conclusion_, b.conclusion_})};
}

Theorem Kernel::and_elim(const Theorem& both, bool right) const {
  need(both.conclusion_->op == Op::and_, "not a conjunction");
  return {both.hypotheses_, both.conclusion_->args[right ? 1 : 0]};
}

Theorem Kernel::or_intro(const Theorem& side, const Term& whole) const {
  need(whole->op == Op::or_ && (whole->args[0] == side.conclusion_ || whole->args[1] == side.conclusion_),
       "not a side of the disjunction");
  return {side.hypotheses_, whole};
}

Theorem Kernel::or_elim(const Theorem& either, const Theorem& left, const Theorem& right) const {
  need(either.conclusion_->op == Op::or_, "not a disjunction");
  need(left.conclusion_ == right.conclusion_, "the cases end differently");
  const Terms l = without(left.hypotheses_, either.conclusion_->args[0]);
  const Terms r = without(right.hypotheses_, either.conclusion_->args[1]);
  return {join(join(either.hypotheses_, l), r), left.conclusion_};
}

Theorem Kernel::imp_intro(const Term& hypothesis, const Theorem& t) const {
  need(hypothesis->loose == 0, "an open hypothesis");
  return {without(t.hypotheses_, hypothesis), make(Op::imp, {hypothesis, t.conclusion_})};
}

Theorem Kernel::imp_elim(const Theorem& implication, const Theorem& premise) const {
  need(implication.conclusion_->op == Op::imp, "not an implication");
  need(implication.conclusion_->args[0] == premise.conclusion_, "not the premise of the implication");
  return {join(implication.hypotheses_, premise.hypotheses_), implication.conclusion_->args[1]};
}

Theorem Kernel::iff_intro(const Theorem& forward, const Theorem& backward) const {
  const Term &f = forward.conclusion_, &b = backward.conclusion_;
  need(f->op == Op::imp && b->op == Op::imp && f->args[0] == b->args[1] && f->args[1] == b->args[0],
       "not the two directions of an equivalence");
  return {join(forward.hypotheses_, backward.hypotheses_), make(Op::iff, {f->args[0], f->args[1]})};
}

Theorem Kernel::iff_elim(const Theorem& iff, bool backward) const {
  const Term& t = iff.conclusion_;
  need(t->op == Op::iff, "not an equivalence");
  return {iff.hypotheses_, make(Op::imp, {t->args[backward ? 1 : 0], t->args[backward ? 0 : 1]})};
}

Theorem Kernel::false_elim(const Theorem& contradiction, const Term& anything) const {
  need(contradiction.conclusion_->op == Op::false_, "not False");
  need(anything->sort == Sort::prop && anything->loose == 0, "not a closed formula");
  return {contradiction.hypotheses_, anything};
}

Theorem Kernel::excluded_middle(const Term& p) const {
  need(p->sort == Sort::prop && p->loose == 0, "not a closed formula");
  return {{}, make(Op::or_, {p, negation(p)})};
}

Theorem Kernel::forall_intro(const std::string& name, Sort sort, const std::string& hint, const Theorem& t) const {
  need(!free_in(t.hypotheses_, name), "the variable is free in a hypothesis");
  return {t.hypotheses_, quantify(Op::forall, sort, hint, abstract(t.conclusion_, name, sort))};
}

Theorem Kernel::forall_elim(const Theorem& all, const Term& instance) const {
  need(all.conclusion_->op == Op::forall, "not universal");
  need(all.conclusion_->binder == instance->sort && instance->loose == 0, "an instance of another sort");
  return {all.hypotheses_, instantiate(all.conclusion_->args[0], instance)};
}

Theorem Kernel::exists_intro(const Term& goal, const Term& witness, const Theorem& t) const {
  need(goal->op == Op::exists && goal->loose == 0, "not an existence");
  need(goal->binder == witness->sort && witness->loose == 0, "a witness of another sort");
  need(instantiate(goal->args[0], witness) == t.conclusion_, "the witness proves something else");
  return {t.hypotheses_, goal};
}

Theorem Kernel::exists_elim(const Theorem& existence, const std::string& name, const Theorem& t) const {
  const Term& e = existence.conclusion_;
  need(e->op == Op::exists, "not an existence");
  const Term instance = instantiate(e->args[0], variable(name, e->binder));
  const Terms rest = without(t.hypotheses_, instance);
  need(!free_in(rest, name) && !has_variable(t.conclusion_, name) && !has_variable(e, name),
       "the witness's name escapes");
  return {join(existence.hypotheses_, rest), t.conclusion_};
}

Theorem Kernel::reflexivity(const Term& t) const {
  need(t->loose == 0, "an open term");
  return {{}, t->sort == Sort::prop ? make(Op::iff, {t, t}) : make(Op::eq, {t, t})};
}

Theorem Kernel::rewrite(const Theorem& equation, const Term& q, const Theorem& p) const {
  const Term& e = equation.conclusion_;
  need(e->op == Op::eq || e->op == Op::iff, "not an equation");
  need(q->sort == Sort::prop && q->loose == 0, "not a closed formula");
  budget_.pay(p.conclusion_->size + q->size);
  const bool same = replace(p.conclusion_, e->args[0], e->args[1]) == replace(q, e->args[0], e->args[1]) ||
                    replace(p.conclusion_, e->args[1], e->args[0]) == replace(q, e->args[1], e->args[0]);
  need(same, "the equation does not lead there");
  return {join(equation.hypotheses_, p.hypotheses_), q};
}

Theorem Kernel::induction(const Term& goal, const Theorem& zero, const Theorem& step) const {
  need(goal->op == Op::forall && goal->binder == Sort::nat && goal->loose == 0, "not a statement about all naturals");
  const Term& p = goal->args[0];
  need(zero.conclusion_ == instantiate(p, literal(0, Sort::nat)), "not the base of the induction");
  const Term& s = step.conclusion_;
  need(s->op == Op::forall && s->binder == Sort::nat, "not the step of the induction");
  const Term n = variable("\x01n", Sort::nat);  // no parsed name holds a control character
  need(!has_variable(s, n->name) && !has_variable(goal, n->name), "the step uses a reserved name");
  const Term next = make(Op::add, {n, literal(1, Sort::nat)});
  need(instantiate(s->args[0], n) == make(Op::imp, {instantiate(p, n), instantiate(p, next)}),
       "not the step of the induction");
  return {join(zero.hypotheses_, step.hypotheses_), goal};
}

Theorem Kernel::strong_induction(const Term& goal, const Theorem& step) const {
  need(goal->op == Op::forall && goal->binder == Sort::nat && goal->loose == 0, "not a statement about all naturals");
  const Term& p = goal->args[0];
  const Term& s = step.conclusion_;
  need(s->op == Op::forall && s->binder == Sort::nat, "not the step of the induction");
  const Term n = variable("\x01n", Sort::nat), m = variable("\x01m", Sort::nat);
  for (const Term& v : {n, m})
    need(!has_variable(s, v->name) && !has_variable(goal, v->name), "the step uses a reserved name");
  const Term below = quantify(Op::forall, Sort::nat, "m",
                              abstract(make(Op::imp, {make(Op::lt, {m, n}), instantiate(p, m)}), m->name, Sort::nat));
  need(instantiate(s->args[0], n) == make(Op::imp, {below, instantiate(p, n)}), "not the step of the induction");
  return {step.hypotheses_, goal};
}

std::optional<Theorem> Kernel::evaluate(const Term& p) const {
  need(p->sort == Sort::prop && p->loose == 0, "not a closed formula");
  const auto value = decide(p, budget_);
  if (!value) return std::nullopt;
  return Theorem({}, *value ? p : negation(p));
}

std::optional<Theorem> Kernel::lemma(std::string_view name, Sort sort) const {
  Term statement = lemma_statement(name, sort);
  if (!statement) return std::nullopt;
  need(statement->sort == Sort::prop && statement->loose == 0, "not a closed formula");
  return Theorem({}, std::move(statement));
}

}  // namespace posttrain::lean
