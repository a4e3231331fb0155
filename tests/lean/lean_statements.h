// Random statements with an evaluator of their own (64-bit integers, Lean's conventions), and random scripts.
#pragma once

#include <string>

#include "base/rng.h"

namespace posttrain::lean::testing {

struct RandomStatement {
  std::string text;
  bool integers = false;
  bool is_false = false;  // a counterexample was found
};
RandomStatement random_statement(Rng& rng);
std::string random_script(Rng& rng, const RandomStatement& statement);

struct ClosedFact {
  std::string text;
  bool holds = false;
};
ClosedFact random_closed_fact(Rng& rng);

}  // namespace posttrain::lean::testing
