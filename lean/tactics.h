// What the tactic files share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lean/prover.h"

namespace posttrain::lean {

// Takes a theorem apart by a pattern of rcases: names, ⟨p, q⟩, p | q, rfl, _.
void destruct(Prover& p, const Theorem& t, const Syntax& pattern);
// Replaces the variable by what it equals; `equation` is x = e or e = x for a variable x that e doesn't hold.
void substitute_variable(Prover& p, const Theorem& equation);
// Runs f with only that goal open; returns the goals it leaves.
std::vector<size_t> on_goal(Prover& p, size_t id, const std::function<void()>& f);
// Whether f went through; the state is as before where it did not. Only TacticError counts as failing.
bool attempt(Prover& p, const std::function<void()>& f);
// The theorem ⊢ formula when its propositional shape alone makes it true.
std::optional<Theorem> tautology(const Kernel& kernel, const Term& formula);
// From x = k and a theorem about k, the theorem about x: hypotheses of `about` are rebuilt from those of the goal.
Theorem transport(const Kernel& kernel, const Theorem& equation, const std::vector<Hypothesis>& hypotheses,
                  const Term& target, const Term& from, const Term& to, const Theorem& about);

// ---- simplification (simplify.cpp): p ↔ q
struct SimpRule {
  const Syntax* item;
  bool reverse;
};
struct SimpSettings {
  std::vector<SimpRule> rules;
  std::vector<Hypothesis> hypotheses;  // also used as rules
  bool arithmetic = true;              // evaluate numbers and comparisons
};
Theorem simplify(Prover& p, const Term& formula, const SimpSettings& settings);
// One rewriting of `formula` by a rule: the equation and the new formula; nothing where it doesn't match.
std::optional<std::pair<Theorem, Term>> rewrite_once(Prover& p, const Term& formula, const Syntax& item, bool reverse,
                                                     bool premises_pending);

// ---- arithmetic
// Every comparison among the hypotheses (conjunctions taken apart, negated order turned) and `extra`.
std::vector<Theorem> comparisons(const Prover& p, const std::vector<Theorem>& extra);
// False from the facts by linear arithmetic over ordered fields, naturals and integers; nothing when there is no proof.
std::optional<Theorem> linear_contradiction(const Kernel& kernel, const std::vector<Theorem>& facts);
// target from `contradiction`, which derives False from the target's negation (as comparisons). Equations are proved
// as two inequalities.
std::optional<Theorem> by_contradiction(
    const Prover& p, const Term& target,
    const std::function<std::optional<Theorem>(const std::vector<Theorem>& negated)>& contradiction);
// 0 < t or 0 ≤ t from its shape and the facts.
std::optional<Theorem> positive(const Prover& p, const Term& t, const std::vector<Theorem>& facts, int depth = 0);

struct TacticEntry {
  std::string_view name;
  Tactic run;
};
std::span<const TacticEntry> logic_tactics();
std::span<const TacticEntry> case_tactics();
std::span<const TacticEntry> rewriting_tactics();
std::span<const TacticEntry> arithmetic_tactics();
std::span<const TacticEntry> field_tactics();
std::span<const TacticEntry> omega_tactics();

}  // namespace posttrain::lean
