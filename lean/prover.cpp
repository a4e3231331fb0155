#include "lean/prover.h"

#include <algorithm>

namespace posttrain::lean {

namespace {
// Unique within a whole proof: ids never repeat since the counter is part of the budget's clock.
std::string unique_suffix(const Budget& budget) {
  return "\x05" + std::to_string(budget.left());
}
}  // namespace

Prover::Prover(Kernel& k, Goal g, std::string_view src, int depth)
    : kernel(k), budget(k.budget()), state(std::move(g)), source(src), depth_(depth) {
  if (depth > 30) throw OutOfBudget("proofs are nested too deeply");
}

const Goal& Prover::goal() const {
  return state.goal(main());
}

size_t Prover::main() const {
  if (state.open().empty()) fail("no goals");
  return state.open().front();
}

void Prover::fail(const std::string& what) const {
  if (current == nullptr) throw TacticError(what, {}, 0);
  throw TacticError(what, current->place, current->begin);
}

void Prover::close(const Theorem& t) {
  if (t.conclusion() != goal().target) fail("type mismatch: this proves\n  " + print(t.conclusion()));
  refine({}, [t](const Kernel&, std::span<const Theorem>) { return t; });
}

void Prover::add_hypothesis(const std::string& name, const Theorem& t, const std::string& instead_of) {
  Goal next = goal();
  if (!instead_of.empty()) {
    for (size_t i = next.hypotheses.size(); i-- > 0;)
      if (next.hypotheses[i].name == instead_of) {
        next.hypotheses[i] = {name, t.conclusion()};
        break;
      }
  } else {
    next.hypotheses.push_back({name, t.conclusion()});
  }
  refine({std::move(next)}, [t](const Kernel& k, std::span<const Theorem> sub) {
    return k.imp_elim(k.imp_intro(t.conclusion(), sub[0]), t);
  });
}

void Prover::change_target(const Term& target, Justify back) {
  Goal next = goal();
  next.target = target;
  refine({std::move(next)}, std::move(back));
}

Theorem Prover::assumption(const std::string& name) const {
  const Hypothesis* h = goal().find(name);
  if (h == nullptr) fail("unknown hypothesis '" + name + "'");
  return kernel.assume(h->formula);
}

std::string Prover::fresh_name(const std::string& hint) const {
  std::string name = hint;
  const auto taken = [&](const std::string& n) {
    return goal().find(n) != nullptr ||
           std::ranges::any_of(goal().variables, [&](const Variable& v) { return v.name == n; });
  };
  for (int i = 1; taken(name); ++i) name = hint + "_" + std::to_string(i);
  return name;
}

std::string Prover::fresh_id(const std::string& hint) {
  budget.pay();
  return hint + unique_suffix(budget);
}

Theorem Prover::lemma(std::string_view name, Sort sort, const std::vector<Term>& instances,
                      const std::vector<Theorem>& premises) const {
  auto t = kernel.lemma(name, sort);
  if (!t) fail("no fact '" + std::string(name) + "' for " + sort_name(sort));
  for (const Term& i : instances) t = kernel.forall_elim(*t, i);
  for (const Theorem& p : premises) t = kernel.imp_elim(*t, p);
  return *t;
}

void Prover::run(const std::vector<Syntax>& tactics) {
  for (const Syntax& t : tactics) run(t);
}

void Prover::run(const Syntax& tactic) {
  budget.pay(20);
  const Syntax* outer = current;
  current = &tactic;
  const auto mark = state.mark();
  const auto goals_before = [&] {
    std::vector<std::string> out;
    for (const size_t id : mark.open) {
      if (out.size() == 8) break;
      out.push_back(state.goal(id).text());
    }
    return out;
  };
  try {
    const Tactic run_it = find_tactic(tactic.text);
    if (run_it == nullptr) fail("unsupported tactic '" + tactic.text + "'");
    run_it(*this, tactic);
  } catch (TacticError& e) {
    current = outer;
    if (!e.placed) {
      e.placed = true;
      e.place = tactic.place;
      e.offset = tactic.begin;
      e.goals = goals_before();
    }
    throw;
  } catch (const OutOfBudget&) {
    throw;
  } catch (const std::runtime_error& e) {  // RuleError, IllFormed, ElaborationError: the tactic doesn't apply
    current = outer;
    TacticError error(e.what(), tactic.place, tactic.begin);
    error.placed = true;
    error.goals = goals_before();
    throw error;
  }
  current = outer;
}

}  // namespace posttrain::lean
