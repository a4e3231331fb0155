// What a GRPO-family objective is made of, as one plain struct, and the table of published presets.
#pragma once

#include <string>
#include <vector>

#include "base/params.h"

namespace posttrain::rl {

// `preset` fills every field with a paper's values first; keys beside it override. Formulas: docs/objectives.md.
struct ObjectiveSettings {
  std::string preset = "r1-zero";
  // advantage
  std::string advantage =
      "group";  // group | centred | leave_one_out | batch | reinforce++ | reinforce++_baseline | opo | maxrl
  std::string std_convention = "trl";  // see advantage.h
  std::string std_scope = "group";     // group | batch
  std::string multi_reward = "sum";    // sum | normalize_then_sum
  // ratio and clip
  std::string ratio = "token";  // token | sequence (GSPO) | sequence_token (GSPO-token)
  std::string clip = "ppo";     // none | ppo | cispo | sapo
  double clip_low = 10,
         clip_high = 10;  // the ratio is kept in [1 - clip_low, 1 + clip_high]; for cispo clip_high is the cap
  double dual_clip = 0;   // c > 1 bounds the loss by -c A where A < 0; 0 = off
  double ratio_cap = 0;   // delta > 1 caps the unclipped ratio (two-sided clip); 0 = off
  double sapo_tau_positive = 1, sapo_tau_negative = 1.05;
  // mean
  std::string aggregation = "sequence_mean";  // sequence_mean | token_mean | constant | sequence_sum | prompt_mean
  double constant_length = 0;                 // tokens, for `constant`; 0 = max_new_tokens
  // KL and entropy
  std::string kl = "k3";       // k1 | k2 | k3 | unbiased (k3 times the ratio)
  std::string kl_in = "loss";  // loss | reward
  double beta = 0.001;
  double entropy_coef = 0;
  double top_entropy_fraction = 1;  // policy term only on this share of the tokens, by entropy
  // stale or foreign samplers
  std::string importance = "none";  // none | token_truncate | token_mask | sequence_truncate | sequence_mask
  double importance_min = 0, importance_max = 3;
  double off_policy_mask = 0;  // drop a sequence with A < 0 whose mean log(old / new) exceeds it; 0 = off

  void visit(Visitor& v);

 private:
  std::string applied_ = "r1-zero";  // the preset whose values are in the fields
};

// The names in the order of the documentation, and the values of one (throws Error for an unknown name).
std::vector<std::string> objective_presets();
ObjectiveSettings objective_preset(const std::string& name);

}  // namespace posttrain::rl
