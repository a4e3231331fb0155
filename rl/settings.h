// What a GRPO-family objective is made of, as one plain struct, and the table of published presets.
#pragma once

#include <string>
#include <vector>

#include "base/params.h"
#include "rl/choices.h"

namespace posttrain::rl {

// `preset` fills every field with a paper's values first; keys beside it override. Formulas: docs/objectives.md.
struct ObjectiveSettings {
  std::string preset = "r1-zero";
  Advantage advantage = Advantage::group;
  StdConvention std_convention = StdConvention::trl;
  Scope std_scope = Scope::group;
  MultiReward multi_reward = MultiReward::sum;
  Ratio ratio = Ratio::token;
  Clip clip = Clip::ppo;
  // The ratio is kept in [1 - clip_low, 1 + clip_high]; for cispo clip_high is the cap.
  double clip_low = 10, clip_high = 10;
  double dual_clip = 0;  // c > 1 bounds the loss by -c A where A < 0; 0 = off
  double ratio_cap = 0;  // delta > 1 caps the unclipped ratio (two-sided clip); 0 = off
  double sapo_tau_positive = 1, sapo_tau_negative = 1.05;
  Aggregation aggregation = Aggregation::sequence_mean;
  double constant_length = 0;  // tokens, for `constant`; 0 = max_new_tokens
  Kl kl = Kl::k3;
  KlIn kl_in = KlIn::loss;
  double beta = 0.001;
  double entropy_coef = 0;
  double top_entropy_fraction = 1;  // policy term only on this share of the tokens, by entropy
  Importance importance = Importance::none;
  double importance_min = 0, importance_max = 3;
  double off_policy_mask = 0;  // drop a sequence with A < 0 whose mean log(old / new) exceeds it; 0 = off

  void visit(Visitor& v);
  // Values that contradict each other, and values beside the preset's that nothing reads.
  void check(const Complain& complain) const;

 private:
  std::string applied_ = "r1-zero";  // the preset whose values are in the fields
};

// The names in the order of the documentation, and the values of one (throws Error for an unknown name).
std::vector<std::string> objective_presets();
ObjectiveSettings objective_preset(const std::string& name);

}  // namespace posttrain::rl
