// Group relative policy optimization: sample groups, score them, compare within the group, update.
// DeepSeekMath, arXiv 2402.03300, section 4; the objective's parts are settings (settings.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/learner.h"
#include "model/schedule.h"
#include "rl/metrics.h"
#include "rl/settings.h"
#include "rollout/collect.h"
#include "store/records.h"

namespace posttrain::rl {

struct DynamicSampling {
  bool enabled = false;
  int64_t max_rounds = 4;

  void visit(Visitor& v);
};

struct GrpoSettings {
  int64_t steps = 80, prompts_per_step = 16, samples_per_prompt = 16;
  int64_t minibatches = 1, epochs = 1;
  std::string truncated = "keep";  // keep | mask
  int64_t reference_refresh_steps = 0;
  int64_t micro_batch_tokens = 0;
  DynamicSampling dynamic_sampling;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;
  ObjectiveSettings objective;
  model::TrainingSettings training;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// What the loop works on. Everything must outlive the trainer; reference is null when the objective has no KL term.
struct GrpoContext {
  model::Transformer& policy;
  model::Transformer* reference;
  model::Learner& learner;
  rollout::Engine& engine;
  rollout::Collector& collector;
  const text::Task& task;
  uint64_t seed, stage;  // name the draws
};

struct GrpoStep {
  store::Metrics metrics;
  std::vector<store::Span> spans;  // seconds from the start of the step
  std::vector<store::Group> groups;
};

// One stage's loop. The only state beside weights and optimizer is the number of problems drawn so far.
class GrpoTrainer {
 public:
  GrpoTrainer(const GrpoContext& context, const GrpoSettings& settings);

  // Runs step 0, 1, ...: sample, score, advantages, update. Throws Failure when a loss or gradient is not finite; the
  // weights are then those before the failing update and failed_batch() tells what was being trained on.
  GrpoStep step(int64_t step, const PhaseCallback& phase);

  int64_t problems_drawn() const { return problems_drawn_; }
  void set_problems_drawn(int64_t count) { problems_drawn_ = count; }
  Json failed_batch() const;

 private:
  std::vector<rollout::ScoredGroup> sample_groups(int64_t step, GrpoStep& out, const PhaseCallback& phase);
  void update(int64_t step, GrpoStep& out, const PhaseCallback& phase);

  GrpoContext context_;
  GrpoSettings settings_;
  int64_t problems_drawn_ = 0;
  std::vector<rollout::ScoredGroup> current_;
};

}  // namespace posttrain::rl
