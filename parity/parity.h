// Compares this program with a reference implementation: a fixture is a model directory with the logits, losses,
// gradients, greedy tokens and optimizer steps that Hugging Face transformers computed for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "nn/backend.h"

namespace posttrain::parity {

// Largest differences that still pass: about ten times the noise of float32.
struct ParityLimits {
  double logits = 1e-4, logprob = 1e-4, nll = 1e-5, gradient = 3e-5;
  double adamw_first = 2e-6;  // where |gradient| >= 1e-6: below that the first step is the gradient's sign
  double adamw_small = 2e-3, adamw_third = 2e-5;
};

struct ParityResult {
  std::string fixture;
  bool pass = false;
  double logits_max_abs = 0, logprob_max_abs = 0, nll_abs = 0, grad_rel_l2_worst = 0;
  std::string grad_worst_name;
  bool greedy_equal = false;
  std::optional<double> adamw_max_abs;  // absent where the fixture has no optimizer steps
  double logp_mismatch_max = 0;         // between sampling and scoring the same tokens: must be 0

  std::string to_json() const;  // one line
};

// Throws Error when the fixture can't be read.
ParityResult check_parity(nn::Backend& backend, const std::filesystem::path& fixture, const ParityLimits& limits);

}  // namespace posttrain::parity
