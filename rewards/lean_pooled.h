// What all real toolchains have in common: a proof is read before it is sent, waits for one of a few slots, and
// whatever goes wrong around it is the judge's fault and never a verdict on the proof.
#pragma once

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "rewards/lean_backend.h"
#include "rewards/lean_child.h"
#include "rewards/lean_slots.h"
#include "rewards/lean_source.h"

namespace posttrain::rewards {

// A slot that only limits how many run at a time.
struct NoState {};

template <class Slot>
class PooledLean : public LeanBackend {
 public:
  PooledLean(std::string name, const LeanSettings& settings)
      : settings_(settings), name_(std::move(name)), slots_(static_cast<size_t>(settings.workers)) {}

  LeanResult judge(std::string_view statement, std::string_view proof) final {
    LeanResult out;
    out.backend = name_;
    const Clock clock;
    try {
      if (const auto refusal = refuse_proof(proof)) {
        out.verdict = Verdict::wrong;
        out.message = *refusal;
        return out;
      }
      const LeanSource source = assemble_lean(statement, proof, fresh_nonce());
      const typename Slots<Slot>::Taken slot(slots_);
      run(*slot, source, out);
    } catch (const std::exception& e) {
      out.verdict = Verdict::failed;
      out.message = e.what();
    }
    out.milliseconds = 1e3 * clock.seconds();
    return out;
  }

 protected:
  // Judges one source with a slot of its own; may throw.
  virtual void run(Slot& slot, const LeanSource& source, LeanResult& out) = 0;

  // Lines of a file before the source when the header stands above it.
  int header_lines() const {
    return 1 + static_cast<int>(std::count(settings_.header.begin(), settings_.header.end(), '\n'));
  }

  // For a process that may change files below `writable` only.
  ChildLimits limits(int64_t cpu_s, std::vector<std::string> writable) const {
    return {settings_.memory_mib, cpu_s, settings_.sandbox == "require", std::move(writable), &starter_};
  }

  const LeanSettings settings_;

 private:
  std::string name_;
  mutable ChildStarter starter_;  // scoring threads run at idle priority; Lean does not. Ends after what it started
  Slots<Slot> slots_;
};

}  // namespace posttrain::rewards
