// The built-in task: left-to-right chains of + - * on digits, every step taken mod 10, such as "7+5*3-8=" -> 8.
//
// A tiny model can't do several steps in its head but can learn to write them down, which is what makes reinforcement
// learning visible in a minute. Its corpus mixes guesses, broken formats and worked steps, some with slips.
#pragma once

#include <string>
#include <vector>

#include "base/params.h"
#include "base/rng.h"
#include "text/task.h"

namespace posttrain::tasks {

// Shares of the corpus by kind of document; they need not sum to 1.
struct ChainMix {
  double facts = 0.12;         // pages of six single steps
  double guess = 0.43;         // right answer, empty think block
  double broken = 0.15;        // broken formats, 30% of them wrong
  double sloppy = 0.05;        // results only, many slips
  double steps = 0.12;         // full steps, some slips
  double repaired = 0.08;      // full steps with more slips, most of them repaired by "wait,"
  double broken_steps = 0.05;  // full steps with one tag missing

  void visit(Visitor& v);
};

struct ChainSettings {
  int64_t min_steps = 2, max_steps = 5;
  double slip = 0.1, sloppy_slip = 0.3, repair = 0.85;
  ChainMix mix;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

class ChainTask : public text::Task {
 public:
  explicit ChainTask(const ChainSettings& settings);

  int64_t size(text::Split) const override { return 0; }
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;

  // The split of a problem's text ("7+5*3-8", without "="): text::split_of(h), FNV-1a-32 and h ^= h >> 15. Problems of
  // one step are never held out: they are the facts.
  static text::Split split(std::string_view problem);

 private:
  ChainSettings settings_;
};

}  // namespace posttrain::tasks
