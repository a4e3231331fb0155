#include "lean/check.h"

#include <algorithm>

#include "lean/prover.h"

namespace posttrain::lean {
namespace {

Goal goal_of(const Statement& s) {
  Goal g;
  g.variables = s.variables;
  for (const auto& [name, formula] : s.hypotheses) g.hypotheses.push_back({name, formula});
  g.target = s.goal;
  return g;
}

// The theorem must be the statement itself, whatever the tactics did.
bool is_statement(const Theorem& t, const Statement& s) {
  const auto given = [&](const Term& h) {
    return std::ranges::any_of(s.hypotheses, [&](const auto& item) { return item.second == h; });
  };
  return t.conclusion() == s.goal && std::ranges::all_of(t.hypotheses(), given);
}

void fill(ProofCheck& out, const SyntaxError& e, std::string_view proof) {
  out.message = e.what();
  out.error_line = e.place.line;
  out.error_column = e.place.column;
  out.accepted_bytes = std::min(out.accepted_bytes, proof.size());
}

}  // namespace

const char* to_string(ProofVerdict verdict) {
  switch (verdict) {
    case ProofVerdict::proved:
      return "proved";
    case ProofVerdict::incomplete:
      return "incomplete";
    case ProofVerdict::wrong:
      return "wrong";
    case ProofVerdict::unsupported:
      return "unsupported";
    case ProofVerdict::out_of_budget:
      return "out_of_budget";
  }
  return "wrong";
}

bool can_read_statement(std::string_view statement, std::string* why) {
  try {
    read_statement(statement);
    return true;
  } catch (const std::runtime_error& e) {
    if (why != nullptr) *why = e.what();
    return false;
  }
}

ProofCheck check_proof(std::string_view statement_text, std::string_view proof, const ProofOptions& options) {
  ProofCheck out;
  Statement statement;
  try {
    statement = read_statement(statement_text);
  } catch (const std::runtime_error& e) {
    out.verdict = ProofVerdict::unsupported;
    out.message = e.what();
    return out;
  }
  Budget budget(options.max_steps);
  Kernel kernel(budget);
  try {
    Prover prover(kernel, goal_of(statement), proof);
    std::vector<Syntax> tactics;
    bool whole = true;
    std::optional<SyntaxError> syntax;
    try {
      Parser parser(proof);
      tactics = parser.block();
      if (!parser.at_end()) parser.fail("a tactic at the block's column");
    } catch (const SyntaxError& e) {
      syntax.emplace(e);
      whole = false;
    }
    if (!whole) {
      fill(out, *syntax, proof);
      for (const size_t id : prover.state.open()) out.goals.push_back(prover.state.goal(id).text());
      return out;
    }
    prover.run(tactics);
    out.accepted_bytes = proof.size();
    if (!prover.state.open().empty()) {
      out.verdict = ProofVerdict::incomplete;
      out.message = "unsolved goals";
      const Syntax& last = tactics.back();
      out.error_line = last.place.line;
      out.error_column = last.place.column;
      for (const size_t id : prover.state.open()) out.goals.push_back(prover.state.goal(id).text());
    } else if (is_statement(prover.theorem(), statement)) {
      out.verdict = ProofVerdict::proved;
    } else {
      out.message = "the tactics proved another statement";
    }
  } catch (const TacticError& e) {
    out.message = e.what();
    out.error_line = e.place.line;
    out.error_column = e.place.column;
    out.accepted_bytes = std::min(e.offset, proof.size());
    out.goals = e.goals;
  } catch (const OutOfBudget& e) {
    out.verdict = ProofVerdict::out_of_budget;
    out.message = e.what();
  } catch (const std::runtime_error& e) {
    out.message = e.what();
  }
  out.steps = options.max_steps - std::max<int64_t>(budget.left(), 0);
  return out;
}

}  // namespace posttrain::lean
