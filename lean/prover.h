// Runs tactics on a proof state. One instance per script (and one per nested `by`); not shared between threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lean/state.h"
#include "lean/syntax.h"

namespace posttrain::lean {

// A tactic that doesn't apply, with the goals as they were before it.
class TacticError : public std::runtime_error {
 public:
  TacticError(const std::string& what, Place where, size_t at_offset)
      : std::runtime_error(what), place(where), offset(at_offset) {}
  Place place;
  size_t offset;  // of the failing tactic's first byte
  std::vector<std::string> goals;
  bool placed = false;  // place and goals are those of the innermost failing tactic
};

// A statement that is used: ∀ variables become metavariables, premises are gathered. `conclusion` may hold
// metavariables until they are solved by matching.
struct Application {
  struct Step {
    Term meta;     // of ∀: the metavariable
    Term premise;  // of →: the premise, with metavariables
    const Syntax* proof = nullptr;
    std::optional<Theorem> theorem;
  };
  Theorem head;
  std::vector<Step> steps;
  Term conclusion;
};

using Solution = std::vector<std::pair<std::string, Term>>;

class Prover {
 public:
  Prover(Kernel& kernel, Goal goal, std::string_view source, int depth = 0);

  // Runs tactics in order; throws TacticError at the first that fails. Reports open goals at the end as an error when
  // `finish`.
  void run(const std::vector<Syntax>& tactics);
  void run(const Syntax& tactic);
  Theorem theorem() const { return state.prove(kernel); }

  // ---- for tactics
  const Goal& goal() const;
  size_t main() const;
  [[noreturn]] void fail(const std::string& what) const;
  void refine(std::vector<Goal> subgoals, Justify justify) {
    state.refine(main(), std::move(subgoals), std::move(justify));
  }
  // Closes the main goal.
  void close(const Theorem& t);
  // Adds a proved formula to the main goal's hypotheses; replaces the last one named `instead_of` if given.
  void add_hypothesis(const std::string& name, const Theorem& t, const std::string& instead_of = "");
  // The main goal with another target; `back` makes its theorem from the new one's.
  void change_target(const Term& target, Justify back);
  Theorem assumption(const Term& p) const { return kernel.assume(p); }
  Theorem assumption(const std::string& name) const;
  std::string fresh_name(const std::string& hint) const;
  std::string fresh_id(const std::string& hint);
  Elaborator elaborator() const { return Elaborator(goal().variables); }
  Theorem lemma(std::string_view name, Sort sort, const std::vector<Term>& instances = {},
                const std::vector<Theorem>& premises = {}) const;

  // ---- proof terms (proof_term.cpp); what `?_` leaves open is assumed and put into `pending`
  Theorem check(const Syntax& s, const Term& expected);
  Theorem infer(const Syntax& s);
  Theorem solve(const Term& target, const std::vector<Syntax>& tactics);
  std::vector<Term> pending;
  bool allow_pending = false;

  // Every reading of a term as a statement that can be used: a hypothesis, an expression, a lemma at each sort.
  std::vector<Theorem> readings(const Syntax& s, std::vector<bool>& implicit);
  Application open(const Theorem& head, const std::vector<bool>& implicit, const std::vector<const Syntax*>& args,
                   const Term* expected);
  // Solves the premises that have proofs; the rest must be in `pending` terms. Throws TacticError.
  Theorem finish(Application& a, Solution& solution, bool premises_pending);
  static bool match(const Term& pattern, const Term& term, Solution& solution);
  static Term solved(const Term& t, const Solution& solution);

  Kernel& kernel;
  Budget& budget;
  ProofState state;
  std::string_view source;
  const Syntax* current = nullptr;

 private:
  Theorem project(const Theorem& t, const std::string& field);
  Theorem apply_term(const Syntax& s, const Term* expected);
  Theorem term_of_name(const std::string& name, const Syntax& at, const Term* expected);

  int depth_;
  int metas_ = 0;
};

using Tactic = void (*)(Prover&, const Syntax&);
// Null when there is no such tactic.
Tactic find_tactic(std::string_view name);

}  // namespace posttrain::lean
