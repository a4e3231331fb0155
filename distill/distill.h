// Distillation from a teacher's probabilities: a student learns the teacher's distribution at every token of answers
// that stand in a file (off-policy) or that the student itself has just drawn (on-policy), the teacher in the same
// process.
//
// divergence: Agarwal et al. 2024 (GKD), arXiv 2306.13649: the generalised Jensen-Shannon divergence over the whole
// vocabulary, mean over tokens; no gradient through the drawing. policy_gradient: Gu et al. 2024 (MiniLLM), arXiv
// 2306.08543: the drawn token's advantage is what follows of log teacher - log student, discounted by gamma.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/params.h"
#include "distill/teacher_cache.h"
#include "model/learner.h"
#include "model/schedule.h"
#include "rollout/collect.h"
#include "store/records.h"

namespace posttrain::distill {

enum class DistillLoss : uint8_t { divergence, policy_gradient };
constexpr auto enum_names(DistillLoss) {
  return std::to_array({"divergence", "policy_gradient"});
}

struct DistillSettings {
  int64_t steps = 60, prompts_per_step = 128;
  double on_policy_share = 1;
  DistillLoss loss = DistillLoss::divergence;
  double beta = 1, gamma = 0;
  int64_t top_k = 0;
  int64_t micro_batch_tokens = 8192;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;
  model::TrainingSettings training;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// An answer that is there already: its prompt's ids and, in `completion`, the ids alone.
struct Example {
  std::vector<int32_t> prompt;
  rollout::Completion completion;
};
std::vector<rollout::TrainSample> samples_of(const std::vector<Example>& examples);

// Everything must outlive the trainer. The teacher may be null when no step is on-policy and there is a cache.
struct DistillContext {
  model::Learner& learner;
  model::Transformer* teacher;
  const TeacherCache* cache;  // of `examples`, or null
  rollout::Collector& collector;
  const text::Task& task;
  const std::vector<Example>& examples;
  uint64_t seed, stage;        // name the draws
  bool in_file_order = false;  // of examples
};

struct DistillStep {
  store::Metrics metrics;
  std::vector<store::Span> spans;
};

// One stage's loop; step i is a function of (seed, stage, i) and the weights.
class DistillTrainer {
 public:
  DistillTrainer(const DistillContext& context, const DistillSettings& settings);

  // Throws Failure when a divergence or gradient is not finite.
  DistillStep step(int64_t step);

 private:
  bool on_policy(int64_t step) const;
  std::vector<rollout::ScoredGroup> sample(int64_t step, DistillStep& out);
  double update(std::span<const rollout::TrainSample> samples, std::span<const size_t> cached);
  double match(std::span<const rollout::TrainSample> samples, const model::TrainBatch& batch,
               std::span<const size_t> cached, double tokens);
  double reinforce(std::span<const rollout::TrainSample> samples, const model::TrainBatch& batch, double tokens);

  DistillContext context_;
  DistillSettings settings_;
};

// MiniLLM's advantage of each token of one answer from r_t = log teacher - log student: the discounted sum of what
// follows, divided by the sum of its discounts, so that it is a weighted mean; gamma 0 is the token's own r_t.
std::vector<double> discounted_means(std::span<const double> r, double gamma);

}  // namespace posttrain::distill
