// How a stage trains: optimizer and learning-rate schedule, as recipes write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/params.h"
#include "model/learner.h"

namespace posttrain::model {

// Course of the learning rate after warm-up.
enum class Schedule : uint8_t { constant, linear, cosine };
constexpr auto enum_names(Schedule) {
  return std::to_array({"constant", "linear", "cosine"});
}

// How AdamW's two moments are kept.
enum class OptimizerState : uint8_t { f32, bf16, e8 };
constexpr auto enum_names(OptimizerState) {
  return std::to_array({"f32", "bf16", "8bit"});
}

struct TrainingSettings {
  double lr = 1e-6;
  Schedule schedule = Schedule::constant;
  double final_lr_fraction = 0.05;  // of lr, where linear and cosine end
  int64_t warmup_steps = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, max_grad_norm = 1;
  OptimizerState optimizer_state = OptimizerState::f32;
  bool recompute = false;
  std::optional<LoraSettings> lora;

  void visit(Visitor& v);
  OptimizerSettings optimizer() const;
  void check(const Complain& complain) const;
  // Complains of a warm-up that is longer than a stage of `steps` (0: not known yet).
  void check_warmup(int64_t steps, const Complain& complain) const;
  // The same for stages whose steps may also follow from epochs, and of epochs that nothing reads.
  void check_length(int64_t steps, double epochs, const Complain& complain) const;
  // The learning rate of step 0, 1, ... of `total`: linear warm-up to lr, then the schedule over the steps that are
  // left.
  double lr_at(int64_t step, int64_t total) const;
};

}  // namespace posttrain::model
