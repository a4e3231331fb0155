// What is sent to a Lean process: the verifier writes header and statement itself and takes only a proof body, which is
// read as tokens first, so that comments and strings can't hide anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain::rewards {

// Why a proof body is refused before Lean sees it: a command or option that could change meaning, run programs or end
// the block, unbalanced brackets, an open comment or string. Nothing when it may be sent. `sorry` is refused here too,
// but what decides is the audit of axioms.
std::optional<std::string> refuse_proof(std::string_view proof);

struct LeanSource {
  std::string name;      // of the theorem
  std::string text;      // statement and proof and sentinel, without the header
  std::string sentinel;  // a name that Lean must report when it has read everything
  int proof_line = 0;    // the line of `text` on which the proof begins, from 1
  std::string audit;     // to be run elsewhere on what was compiled: the statement anew, proved by the name; its axioms
};

// `statement` is "theorem name binders : goal", with or without ":= by". Throws Error when it is not of that form.
// `nonce` makes the sentinel's name one that the candidate can't know.
LeanSource assemble_lean(std::string_view statement, std::string_view proof, std::string_view nonce);

// The axioms in the message of #print axioms for `name`; nothing when the message is not there exactly once.
std::optional<std::vector<std::string>> axioms_in(std::string_view messages, std::string_view name);
// The first axiom that is not propext, Classical.choice or Quot.sound.
std::optional<std::string> forbidden_axiom(const std::vector<std::string>& axioms);

}  // namespace posttrain::rewards
