// Trains a transformer from coefficients: the one backward that SFT, DPO, GRPO and distillation share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "model/batch.h"
#include "model/transformer.h"

namespace posttrain::model {

struct OptimizerSettings {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;
  float weight_decay = 0;   // on matrices only, decoupled (AdamW)
  float max_grad_norm = 1;  // 0 = no clipping
};

struct StepResult {
  double grad_norm;  // before clipping
  bool clipped;
};

// Gradients, moments and step count for one transformer, which it must not outlive. One thread calls it.
class Learner {
 public:
  Learner(Transformer& transformer, const OptimizerSettings& settings);
  ~Learner();

  // Log-probabilities and entropies only; no activations are kept.
  Scores score(const TrainBatch& batch);

  // Forward, `loss` turns the scores into coefficients, backward; gradients are added to what is there.
  // Returns the scores. If a coefficient is not finite, throws Failure before any gradient is touched.
  Scores accumulate(const TrainBatch& batch, const std::function<Coefficients(const Scores&)>& loss);

  // Clips the global norm, takes one AdamW step of size lr, zeroes the gradients. A norm that is not finite throws
  // Failure and leaves weights and moments as they were.
  StepResult step(double lr);
  void zero_gradients();

  int64_t steps() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posttrain::model
