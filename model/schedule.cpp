#include "model/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace posttrain::model {

void TrainingSettings::visit(Visitor& v) {
  v("lr", lr, {.doc = "Peak learning rate", .min = 0, .max = 10});
  v("schedule", schedule,
    {.doc = "Course of the learning rate after warm-up", .choices = {"constant", "linear", "cosine"}});
  v("final_lr_fraction", final_lr_fraction, {.doc = "Share of lr at which linear and cosine end", .min = 0, .max = 1});
  v("warmup_steps", warmup_steps, {.doc = "Linear warm-up", .min = 0, .unit = "steps"});
  v("beta1", beta1, {.doc = "AdamW's decay of the mean", .min = 0, .max = 1});
  v("beta2", beta2, {.doc = "AdamW's decay of the square", .min = 0, .max = 1});
  v("eps", eps, {.doc = "AdamW's epsilon", .min = 0, .max = 1});
  v("weight_decay", weight_decay, {.doc = "Decoupled weight decay of matrices", .min = 0, .max = 10});
  v("max_grad_norm", max_grad_norm, {.doc = "Global norm to which gradients are clipped; 0 = never", .min = 0});
  v("optimizer_state", optimizer_state,
    {.doc = "How AdamW's two moments are kept: 8, 4 or 2 bytes for each weight", .choices = {"f32", "bf16", "8bit"}});
  v("recompute", recompute,
    {.doc = "Keep only each block's input and run its forward again in the backward: about a tenth of the activation "
            "memory for a third more time, the same bits"});
  v("lora", lora, {.doc = "Train low-rank adapters instead of the weights; they are merged into what is saved"});
}

OptimizerSettings TrainingSettings::optimizer() const {
  return {.beta1 = static_cast<float>(beta1),
          .beta2 = static_cast<float>(beta2),
          .eps = static_cast<float>(eps),
          .weight_decay = static_cast<float>(weight_decay),
          .max_grad_norm = static_cast<float>(max_grad_norm),
          .recompute = recompute,
          .moments = optimizer_state == "f32"    ? nn::MomentType::f32
                     : optimizer_state == "bf16" ? nn::MomentType::bf16
                                                 : nn::MomentType::e8,
          .lora = lora};
}

double TrainingSettings::lr_at(int64_t step, int64_t total) const {
  const double warm =
      warmup_steps > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup_steps)) : 1;
  const double done = total > 0 ? std::min(1.0, static_cast<double>(step) / static_cast<double>(total)) : 0;
  double course = 1;
  if (schedule == "linear") course = 1 - (1 - final_lr_fraction) * done;
  if (schedule == "cosine") {
    course = final_lr_fraction + (1 - final_lr_fraction) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
  return lr * warm * course;
}

}  // namespace posttrain::model
