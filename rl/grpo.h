// Group relative policy optimization: sample groups, score them, compare within the group, update.
// DeepSeekMath, arXiv 2402.03300, section 4; the objective's parts are settings (settings.h).
#pragma once

#include <cstdint>
#include <memory>
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
  FilterBy by = FilterBy::automatic;
  int64_t max_rounds = 4;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// Which problems are asked: those that the model solves already teach nothing (ScaleRL, arXiv 2510.13786).
struct Curriculum {
  bool enabled = false;
  double solved = 0.9;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

struct GrpoSettings {
  int64_t steps = 80, prompts_per_step = 16, samples_per_prompt = 16;
  int64_t minibatches = 1, epochs = 1;
  Truncated truncated = Truncated::keep;
  int64_t reference_refresh_steps = 0;
  double reference_mix = 1;
  int64_t micro_batch_tokens = 0;
  int64_t staleness = 0;
  int64_t second_attempts = 0;
  DynamicSampling dynamic_sampling;
  Curriculum curriculum;
  rollout::SamplingSettings sampling;
  rollout::EngineSettings engine;
  ObjectiveSettings objective;
  model::TrainingSettings training;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// What the loop works on. Everything must outlive the trainer; reference is null when the objective has no KL term, and
// where adapters are trained on a reference that stays: it is then the policy without them.
// Engine and collector draw from the policy, or from `sampler` where there is one: a copy on a backend of its own, so
// that it can draw while the policy trains (settings.staleness > 0). Steps that are a multiple of checkpoint_every
// (0 = none) draw fresh, so that a checkpoint before them need not hold rollouts.
struct GrpoContext {
  model::Transformer& policy;
  model::Transformer* reference;
  model::Transformer* sampler = nullptr;
  model::Learner& learner;
  rollout::Engine& engine;
  rollout::Collector& collector;
  const text::Task& task;
  uint64_t seed, stage;  // name the draws
  int64_t checkpoint_every = 0;
  bool judges = true;  // whether a reward says what is right, or all of them shape only
};

struct GrpoStep {
  store::Metrics metrics;
  std::vector<store::Span> spans;  // seconds from the start of the step
  std::vector<store::Group> groups;
};

class RolloutSource;

// One stage's loop. The only state beside weights and optimizer is where the problems stand (cursor).
class GrpoTrainer {
 public:
  GrpoTrainer(const GrpoContext& context, const GrpoSettings& settings);
  ~GrpoTrainer();

  // Runs step 0, 1, ...: sample, score, advantages, update. Throws Failure when a loss or gradient is not finite; the
  // weights are then those before the failing update and failed_batch() tells what was being trained on.
  GrpoStep step(int64_t step, const PhaseCallback& phase);

  // Whether step `step` draws fresh, so that the cursor before it says everything.
  bool resumable_at(int64_t step) const;
  Json cursor() const;
  void restore(const Json& cursor);
  Json failed_batch() const;

 private:
  void update(int64_t step, GrpoStep& out, const PhaseCallback& phase);

  GrpoContext context_;
  GrpoSettings settings_;
  std::unique_ptr<RolloutSource> source_;
  std::vector<rollout::ScoredGroup> current_;
};

}  // namespace posttrain::rl
