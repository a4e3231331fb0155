// Checks a proof of a statement of the Lean-syntax fragment in process. It is not Lean: what it accepts is proved by
// its own kernel, and it may refuse what Lean accepts or accept scripts that Lean's tactics would not close.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain::lean {

enum class ProofVerdict : uint8_t {
  proved,
  incomplete,   // every tactic applied, goals are left
  wrong,        // a tactic failed or the script is not Lean's syntax
  unsupported,  // the statement is outside the fragment: not judged
  out_of_budget
};
const char* to_string(ProofVerdict verdict);

struct ProofOptions {
  int64_t max_steps = 3000000;  // about half a second at most; typical proofs take a thousandth
};

struct ProofCheck {
  ProofVerdict verdict = ProofVerdict::wrong;
  std::string message;
  int error_line = 0, error_column = 0;  // in the proof text; lines from 1, columns from 0; line 0: no error
  // Bytes of the proof before the tactic that failed: what stands there was accepted, and `goals` is where it leads.
  // The whole text where no tactic failed.
  size_t accepted_bytes = 0;
  std::vector<std::string> goals;
  int64_t steps = 0;
};

// `statement` is "theorem name (binders) : goal" with or without ":= by"; `proof` is the tactic script.
// Thread-safe; a function of its arguments.
ProofCheck check_proof(std::string_view statement, std::string_view proof, const ProofOptions& options = {});
// Whether the statement is in the fragment; what is wrong with it otherwise.
bool can_read_statement(std::string_view statement, std::string* why = nullptr);

}  // namespace posttrain::lean
