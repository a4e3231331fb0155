// The backend that needs no Lean: rewards/kernel. Its results say so and are never Lean's.
#include "base/clock.h"
#include "lean/check.h"
#include "rewards/lean_backend.h"
#include "rewards/lean_source.h"

namespace posttrain::rewards {
namespace {

class KernelBackend : public LeanBackend {
 public:
  explicit KernelBackend(const LeanSettings& settings) : options_{settings.max_steps} {}

  LeanResult judge(std::string_view statement, std::string_view proof) override {
    LeanResult out;
    out.backend = "kernel";
    if (const auto refusal = refuse_proof(proof)) {
      out.verdict = Verdict::wrong;
      out.message = *refusal;
      out.errors = {*refusal};
      return out;
    }
    const Clock clock;
    lean::ProofCheck check = lean::check_proof(statement, proof, options_);
    out.milliseconds = 1e3 * clock.seconds();
    out.message = check.message;
    out.error_line = check.error_line;
    out.error_column = check.error_column;
    out.accepted_bytes = check.accepted_bytes;
    out.goals = std::move(check.goals);
    out.trust = "kernel";
    switch (check.verdict) {
      case lean::ProofVerdict::proved:
        out.verdict = Verdict::right;
        out.pass = out.complete = true;
        return out;
      case lean::ProofVerdict::unsupported:  // not judged, so never a zero
        out.verdict = Verdict::failed;
        out.trust = "none";
        out.message = "the statement is outside the kernel's fragment: " + check.message;
        return out;
      case lean::ProofVerdict::out_of_budget:
        out.verdict = Verdict::undecided;
        return out;
      default:
        out.verdict = Verdict::wrong;
        out.errors = {check.message};
        return out;
    }
  }

 private:
  lean::ProofOptions options_;
};

}  // namespace

std::unique_ptr<LeanBackend> make_lean_kernel(const LeanSettings& settings) {
  return std::make_unique<KernelBackend>(settings);
}

}  // namespace posttrain::rewards
