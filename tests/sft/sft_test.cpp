// The loss of supervised training does not depend on how examples are packed or a step is cut.
#include "sft/sft.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace posttrain::sft {
namespace {

std::vector<Example> examples() {
  Rng rng({21});
  std::vector<Example> out;
  for (int i = 0; i < 16; ++i) {
    Example example;
    for (int64_t n = rng.integer(3, 20); n > 0; --n) {
      example.ids.push_back(static_cast<int32_t>(rng.integer(0, 39)));
      example.weight.push_back(std::ssize(example.ids) < 3 ? 0.0f : 1.0f);
    }
    out.push_back(example);
  }
  return out;
}

struct StepOf {
  double loss, grad_norm;
};

// One step over all 16 examples.
StepOf step_of(const SftSettings& settings) {
  const auto backend = nn::make_cpu_backend();
  model::Transformer model(*backend, model::llama_arch(40, 16, 2, 2, 2, 32, true), DType::f32, nn::Use::training);
  model.init_random(3, {1.0, 1.0, 0.5});
  model::Learner learner(model, {});
  const auto all = examples();
  SftSettings s = settings;
  s.rows_per_step = std::ssize(pack_rows(all, s.row_tokens));
  StepOf out{NAN, NAN};
  for (const auto& [name, value] : SftTrainer(learner, all, s, 1, 2).step(0).metrics) {
    if (name == "loss") out.loss = value;
    if (name == "grad_norm") out.grad_norm = value;
  }
  return out;
}

TEST(Sft, LossAndGradientDoNotDependOnPackingOrMicroBatches) {
  const StepOf whole = step_of({.row_tokens = 400, .micro_batch_tokens = 1 << 20});
  EXPECT_GT(whole.grad_norm, 0);
  for (const int64_t row_tokens : {20, 33, 64}) {
    for (const int64_t micro : {1, 70, 1 << 20}) {
      const StepOf other = step_of({.row_tokens = row_tokens, .micro_batch_tokens = micro});
      EXPECT_NEAR(other.loss / whole.loss, 1, 1e-6) << row_tokens << " " << micro;
      EXPECT_NEAR(other.grad_norm / whole.grad_norm, 1, 1e-6) << row_tokens << " " << micro;
    }
  }
}

TEST(Neftune, ChangesTheLossALittleAndIsTheSameHoweverAStepIsCut) {
  const StepOf plain = step_of({.row_tokens = 40});
  const StepOf noisy = step_of({.row_tokens = 40, .neftune_alpha = 5});
  EXPECT_NE(noisy.loss, plain.loss);
  EXPECT_NEAR(noisy.loss, plain.loss, 0.5);
  const StepOf cut = step_of({.row_tokens = 40, .micro_batch_tokens = 80, .neftune_alpha = 5});
  EXPECT_NEAR(cut.loss / noisy.loss, 1, 1e-6);
  EXPECT_NEAR(cut.grad_norm / noisy.grad_norm, 1, 1e-6);
}

}  // namespace
}  // namespace posttrain::sft
