// Who judges Lean proofs: a real toolchain, the in-process kernel of the fragment, or nobody. All give the same result.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

struct LeanSettings {
  std::string backend = "kernel";
  std::string toolchain = "repl";
  std::vector<std::string> command = {"lake", "exe", "repl"};
  std::string project;
  std::string url = "http://127.0.0.1:8000";
  std::string header = "import Mathlib\nopen BigOperators Real Nat Topology Rat\n";
  int64_t workers = 2;
  double timeout_s = 60;
  int64_t memory_mib = 8192;
  int64_t max_steps = 3000000;
  std::string proof_in = "completion", sandbox = "require";

  void visit(Visitor& v);
};

// The same fields whatever judged. `backend` and `trust` are recorded with every reward:
//   trust "kernel"   the fragment's own kernel made the theorem; never Lean
//         "audited"  Lean compiled it, and another process checked statement and axioms
//         "messages" only Lean's messages were seen
//         "none"     nothing was judged
struct LeanResult {
  Verdict verdict = Verdict::failed;
  bool pass = false;      // no error
  bool complete = false;  // and no sorry, and the audit agreed
  std::string backend, trust = "none", message;
  std::vector<std::string> errors, warnings, axioms, goals;
  int error_line = 0, error_column = 0;  // in the proof; lines from 1, columns from 0; line 0: none
  size_t accepted_bytes = 0;             // kernel only: the proof before the first error
  double milliseconds = 0;
};

// Thread-safe. judge() never throws: the judge's own faults are Verdict::failed.
class LeanBackend {
 public:
  virtual ~LeanBackend() = default;
  virtual LeanResult judge(std::string_view statement, std::string_view proof) = 0;
};

// Throws Error for settings that make no sense. A toolchain that is missing shows as Verdict::failed, never as a
// reward.
std::unique_ptr<LeanBackend> make_lean_backend(const LeanSettings& settings);

// One each, in lean_<name>.cpp.
std::unique_ptr<LeanBackend> make_lean_kernel(const LeanSettings& settings);
std::unique_ptr<LeanBackend> make_lean_repl(const LeanSettings& settings);
std::unique_ptr<LeanBackend> make_lean_lake(const LeanSettings& settings);
std::unique_ptr<LeanBackend> make_lean_kimina(const LeanSettings& settings);

}  // namespace posttrain::rewards
