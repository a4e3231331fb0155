// One rollout on the host, as the objective sees it: answers laid end to end with rewards, advantages and
// log-probabilities.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/transformer.h"
#include "rl/advantage.h"
#include "rl/objective.h"
#include "rollout/collect.h"
#include "rollout/train_batch.h"

namespace posttrain::rl {

// Points into the groups it was made from, which must outlive it. Answers whose judge failed are left out of everything
// but `scored`; those of groups that dynamic sampling left out stay, with advantage 0.
struct RolloutBatch {
  std::vector<ScoredSample> scored;             // every answer, in order of group and sample
  std::vector<double> advantage;                // [scored], mean of what its tokens are trained on; 0 where masked
  std::vector<rollout::TrainSample> samples;    // the valid ones
  std::vector<const rollout::Answer*> answers;  // [samples]
  ObjectiveBatch objective;                     // over `samples`

  // mask_truncated: answers cut by the length limit carry no loss, their reward stays in the baseline.
  RolloutBatch(const std::vector<rollout::ScoredGroup>& groups, bool mask_truncated, double max_completion_tokens);

  // Fills ref_logp by scoring every sample with the reference, at most `micro_batch_tokens` rows at a time.
  void score_reference(model::Transformer& reference, double temperature, int64_t micro_batch_tokens);
  // Makes the policy's log-probabilities the old ones, and those that the answers were drawn with the sampler's.
  void score_old(model::Transformer& policy, double temperature, int64_t micro_batch_tokens);
  // Takes the KL penalty off the rewards where the settings say so, and turns rewards into advantages.
  void compute_advantages(const ObjectiveSettings& settings);
  // The sub-batch of these samples, for one optimizer step: its normalisers are its own.
  ObjectiveBatch part(std::span<const int64_t> indices) const;

 private:
  std::vector<size_t> answer_of_;  // [samples], index into scored
  void whiten_returns(std::span<const ScoredSample> penalised, const std::function<double(int64_t)>& kl);
};

}  // namespace posttrain::rl
