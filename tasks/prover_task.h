// A miniature of theorem proving: random true sequents of a narrow fragment, to be proved by tactic scripts.
//
// A prompt such as "a:p&(q>r);b:q:r|p=" stands for
//   theorem t (p q r : Prop) (a : p /\ (q -> r)) (b : q) : r \/ p
// and "left;exact a.2 b" is a proof of it; & | > are and, or, implies, and ":" comes before the goal. Numbers:
// "a:x<y:x+1<y+3=" is about x y z : Nat and wants a decision procedure. Only characters of the chain task's vocabulary
// occur, so a tiny character-level model can be used. What judges is the reward `lean`, from the statement in the row.
#pragma once

#include <string>

#include "base/params.h"
#include "base/rng.h"
#include "text/task.h"

namespace posttrain::tasks {

struct ProverMix {
  double proofs = 0.3;  // right proofs
  double broken = 0.4;  // right proofs with one step changed or missing
  double guess = 0.3;   // one likely step, mostly wrong
  void visit(Visitor& v);
};

struct ProverSettings {
  int64_t min_depth = 1, max_depth = 3;  // of the proofs that sequents are made from: mixed difficulty
  double arithmetic = 0.25;              // share of sequents about numbers
  ProverMix mix;
  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

class ProverTask : public text::Task {
 public:
  explicit ProverTask(const ProverSettings& settings);

  int64_t size(text::Split) const override { return 0; }
  // answer and extra["statement"] are the Lean statement, extra["proof"] one proof, extra["depth"] its depth.
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  // corpus: by the mix; traces: right proofs only.
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

 private:
  ProverSettings settings_;
};

}  // namespace posttrain::tasks
