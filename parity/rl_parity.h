// Compares objectives, preference and distillation losses with fixtures made by TRL: a folder with model/, batch.json,
// and any of grpo_cases.json, dpo.json and distill.json beside their .safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "nn/backend.h"

namespace posttrain::parity {

// About ten times the noise of float32; differences of a value x count relative to 1 + |x|.
struct RlParityLimits {
  double loss = 2e-6, loss_relative = 1e-5, value = 2e-5, gradient = 3e-5;
};

struct RlParityCase {
  std::string name;
  bool pass = true;
  Json differences = Json::object();  // what was compared -> the largest difference

  std::string to_json() const;  // {"case", "pass", <differences>}
};

// Every case of the folder in the order of its files; one that asks for something unknown fails and says so. Throws
// Error when a file is missing or misshapen.
std::vector<RlParityCase> check_rl_parity(nn::Backend& backend, const std::filesystem::path& dir,
                                          const RlParityLimits& limits);

}  // namespace posttrain::parity
