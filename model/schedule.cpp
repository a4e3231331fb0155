#include "model/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace posttrain::model {

void TrainingSettings::visit(Visitor& v) {
  v("lr", lr, {.doc = "Peak learning rate", .min = 0, .max = 10});
  v("schedule", schedule, {.doc = "Course of the learning rate after warm-up"});
  v("final_lr_fraction", final_lr_fraction, {.doc = "Share of lr at which linear and cosine end", .min = 0, .max = 1});
  v("warmup_steps", warmup_steps, {.doc = "Linear warm-up", .min = 0, .unit = "steps"});
  v("beta1", beta1, {.doc = "AdamW's decay of the mean", .min = 0, .max = 1});
  v("beta2", beta2, {.doc = "AdamW's decay of the square", .min = 0, .max = 1});
  v("eps", eps, {.doc = "AdamW's epsilon", .min = 0, .max = 1});
  v("weight_decay", weight_decay, {.doc = "Decoupled weight decay of matrices", .min = 0, .max = 10});
  v("max_grad_norm", max_grad_norm, {.doc = "Global norm to which gradients are clipped; 0 = never", .min = 0});
  v("optimizer_state", optimizer_state, {.doc = "How AdamW's two moments are kept: 8, 4 or 2 bytes for each weight"});
  v("recompute", recompute,
    {.doc = "Keep only each block's input and run its forward again in the backward: about a tenth of the activation "
            "memory for a third more time, the same bits"});
  v("lora", lora, {.doc = "Train low-rank adapters instead of the weights; they are merged into what is saved"});
}

void TrainingSettings::check(const Complain& complain) const {
  const TrainingSettings usual;
  if (lr == 0) complain("lr", "expected above 0: nothing would be learnt");
  if (beta1 == 1) complain("beta1", "expected below 1: the mean would never move");
  if (beta2 == 1) complain("beta2", "expected below 1: the square would never move");
  if (eps == 0) complain("eps", "expected above 0: a weight without gradient would divide 0 by 0");
  if (schedule == Schedule::constant && final_lr_fraction != usual.final_lr_fraction)
    complain("final_lr_fraction", "acts only with schedule linear or cosine");
  if (lora && optimizer_state != usual.optimizer_state)
    complain("optimizer_state", "expected f32 with lora, whose few moments are kept so");
}

void TrainingSettings::check_warmup(int64_t steps, const Complain& complain) const {
  if (steps <= 0 || warmup_steps <= steps) return;
  complain("training.warmup_steps", "expected at most steps " + std::to_string(steps) + ", got " +
                                        std::to_string(warmup_steps) + ": lr would never be reached");
}

void TrainingSettings::check_length(int64_t steps, double epochs, const Complain& complain) const {
  if (steps > 0 && epochs != 1) complain("epochs", "acts only with steps 0");
  if (steps == 0 && epochs == 0) complain("epochs", "expected above 0 where steps is 0: nothing would be learnt");
  check_warmup(steps, complain);
}

OptimizerSettings TrainingSettings::optimizer() const {
  constexpr nn::MomentType moments[] = {nn::MomentType::f32, nn::MomentType::bf16, nn::MomentType::e8};
  return {.beta1 = static_cast<float>(beta1),
          .beta2 = static_cast<float>(beta2),
          .eps = static_cast<float>(eps),
          .weight_decay = static_cast<float>(weight_decay),
          .max_grad_norm = static_cast<float>(max_grad_norm),
          .recompute = recompute,
          .moments = moments[static_cast<size_t>(optimizer_state)],
          .lora = lora};
}

double TrainingSettings::lr_at(int64_t step, int64_t total) const {
  if (step < warmup_steps) return lr * (static_cast<double>(step + 1) / static_cast<double>(warmup_steps));
  const int64_t after = step - warmup_steps, left = total - warmup_steps;
  const double done = left > 0 ? std::min(1.0, static_cast<double>(after) / static_cast<double>(left)) : 0;
  double course = 1;
  if (schedule == Schedule::linear) course = 1 - (1 - final_lr_fraction) * done;
  if (schedule == Schedule::cosine) {
    course = final_lr_fraction + (1 - final_lr_fraction) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
  return lr * course;
}

}  // namespace posttrain::model
