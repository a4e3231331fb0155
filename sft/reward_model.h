// A reward model of Bradley and Terry: a number for an answer, so that the better of two has the larger one.
//
// The score is read behind the answer's last token: the logit of one vocabulary entry less that of another. That is a
// linear head on the hidden state, (w_good - w_bad) . h, with no new parameters, so a reward model is an ordinary
// checkpoint. Ouyang et al. 2022, arXiv 2203.02155, equation 1.
#pragma once

#include <cstdint>
#include <vector>

#include "model/learner.h"
#include "model/schedule.h"
#include "sft/dpo.h"

namespace posttrain::sft {

// Two ids that no text uses; the last two of the vocabulary where nothing is said.
struct RewardHead {
  int32_t good, bad;
};
RewardHead reward_head(const model::Arch& arch);

// The score of every answer. An empty answer is read behind its prompt.
std::vector<double> reward_scores(model::Transformer& model, RewardHead head,
                                  std::span<const rollout::TrainSample> answers, int64_t micro_batch_tokens);

struct RewardModelSettings {
  int64_t steps = 0;
  double epochs = 1;
  int64_t pairs_per_step = 64;
  int64_t micro_batch_tokens = 8192;
  double held_out = 0.1;
  model::TrainingSettings training;

  void visit(Visitor& v);
  void check(const Complain& complain) const;
};

// One stage's loop over fixed pairs. The last `held_out` share of them is never trained on. Learner and pairs must
// outlive it.
class RewardModelTrainer {
 public:
  RewardModelTrainer(model::Learner& learner, RewardHead head, const std::vector<AnswerPair>& pairs,
                     const RewardModelSettings& settings, uint64_t seed, uint64_t stage, bool in_file_order = false);

  int64_t steps() const { return steps_; }
  DpoStep step(int64_t step);
  // Share of the held-out pairs whose better answer scores higher; 0.5 each where scores are equal, NaN without pairs.
  double held_out_accuracy(model::Transformer& model) const;

 private:
  model::Learner& learner_;
  RewardHead head_;
  const std::vector<AnswerPair>& pairs_;
  RewardModelSettings settings_;
  uint64_t seed_, stage_;
  bool in_file_order_;
  int64_t steps_ = 0;
  size_t trained_;  // pairs [0, trained_) are trained on
};

}  // namespace posttrain::sft
