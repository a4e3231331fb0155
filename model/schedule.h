// How a stage trains: optimizer and learning-rate schedule, as recipes write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/params.h"
#include "model/learner.h"

namespace posttrain::model {

struct TrainingSettings {
  double lr = 1e-6;
  std::string schedule = "constant";  // constant | linear | cosine
  double final_lr_fraction = 0.05;    // of lr, where linear and cosine end
  int64_t warmup_steps = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, max_grad_norm = 1;
  std::string optimizer_state = "f32";  // f32 | bf16 | 8bit
  bool recompute = false;
  std::optional<LoraSettings> lora;

  void visit(Visitor& v);
  OptimizerSettings optimizer() const;
  // The learning rate of step 0, 1, ... of `total`: warm-up is linear and multiplies the schedule.
  double lr_at(int64_t step, int64_t total) const;
};

}  // namespace posttrain::model
