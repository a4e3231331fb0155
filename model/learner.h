// Trains a transformer from coefficients: the one backward that SFT, DPO, GRPO and distillation share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "model/batch.h"
#include "model/lora.h"
#include "model/transformer.h"

namespace posttrain::model {

struct OptimizerSettings {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;
  float weight_decay = 0;      // decoupled (AdamW); on matrices, the embedding included, not on norms and biases
  bool decay_vectors = false;  // on norms and biases as well
  float max_grad_norm = 1;     // 0 = no clipping
  // Keep only every block's input and run its forward again in the backward: about a tenth of the activation memory
  // for a third more time. The gradients are the same bits.
  bool recompute = false;
  nn::MomentType moments = nn::MomentType::f32;
  std::optional<LoraSettings> lora;  // train adapters only; their moments are f32
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
  // Gradients are one chain over rows: batches cut between sequences and given in order leave the same bits.
  Scores accumulate(const TrainBatch& batch, const std::function<Coefficients(const Scores&)>& loss);

  // Distillation: the divergence (nn::Divergence) of every target row's distribution from the teacher's, in nats at the
  // batch's temperature; weight[i] = d loss / d divergence_i. Gradients as above.
  std::vector<float> distill(const TrainBatch& batch, const nn::TeacherRows& teacher, double beta,
                             std::span<const float> weight);

  // Clips the global norm, takes one AdamW step of size lr, zeroes the gradients. A norm that is not finite throws
  // Failure and leaves weights and moments as they were.
  StepResult step(double lr);
  void zero_gradients();
  void set_max_grad_norm(float norm);

  int64_t steps() const;
  // The adapters; null when every weight is trained.
  const Lora* lora() const;
  // Runs `body` while the transformer is the one that the adapters were added to: the reference of a KL term.
  void without_adapters(const std::function<void()>& body);

  // d loss / d parameter as accumulated so far, host, under its checkpoint name (tied: the sum of both uses).
  std::vector<float> gradient(const std::string& name) const;

 private:
  friend class Checkpoint;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posttrain::model
