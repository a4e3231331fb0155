// How fast this machine trains and samples a model, for forecasts.
#pragma once

#include "model/arch.h"
#include "nn/backend.h"

namespace posttrain::pipeline {

// Tokens per second. Small models are timed with random weights; for large ones it follows from the probed peak.
struct Speeds {
  double train = 1, score = 1, sample = 1;
};
Speeds measure_speeds(nn::Backend& backend, const model::Arch& arch);

}  // namespace posttrain::pipeline
