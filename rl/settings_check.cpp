// What one field alone can't tell: settings that contradict each other or that nothing would read. A preset's own
// values are never complained of: another key may have put them out of use.
#include <algorithm>

#include "base/format.h"
#include "rl/grpo.h"
#include "rl/settings.h"

namespace posttrain::rl {
namespace {

bool is_preset(const std::string& name) {
  return std::ranges::count(objective_presets(), name) > 0;
}

void check_advantage(const ObjectiveSettings& s, const ObjectiveSettings& preset, const Complain& complain) {
  const bool parts = s.multi_reward == MultiReward::normalize_then_sum;
  if (parts && s.advantage != Advantage::group) {
    complain("advantage",
             "expected group with multi_reward normalize_then_sum, which takes each reward by itself "
             "against its group and never reads " +
                 std::string(to_string(s.advantage)));
  }
  if (parts && s.std_scope != Scope::group) {
    complain("std_scope", "expected group with multi_reward normalize_then_sum, which divides by both stds anyway");
  }
  if (s.advantage != Advantage::group && s.std_convention != preset.std_convention) {
    complain("std_convention", "acts only with advantage group: " + std::string(to_string(s.advantage)) +
                                   " divides by no std of this kind");
  }
  if (s.advantage != Advantage::group && s.std_scope != preset.std_scope && !parts) {
    complain("std_scope", "acts only with advantage group");
  }
  if (s.std_scope == Scope::batch && s.std_convention == StdConvention::none) {
    complain("std_scope", "expected group with std_convention none, which divides by no std");
  }
  if (s.std_scope == Scope::batch && s.std_convention == StdConvention::nemo) {
    complain("std_convention", "expected another with std_scope batch: nemo is the std of the group's others");
  }
}

void check_clip(const ObjectiveSettings& s, const ObjectiveSettings& preset, const Complain& complain) {
  const bool ppo = s.clip == Clip::ppo, edges = ppo || s.clip == Clip::cispo;
  const std::string kind = to_string(s.clip);
  if (ppo && s.clip_low == 0 && s.clip_high == 0) {
    complain("clip_high", "expected clip_low or clip_high above 0: a range of one point keeps no ratio but 1");
  }
  if (!ppo && s.clip_low != preset.clip_low) complain("clip_low", "acts only with clip ppo, not with " + kind);
  if (!edges && s.clip_high != preset.clip_high)
    complain("clip_high", "acts only with clip ppo and cispo, not with " + kind);
  if (s.clip == Clip::cispo && s.clip_high <= 1) {
    complain("clip_high", "expected above 1, got " + number_text(s.clip_high) +
                              ": for cispo it is the greatest weight itself, such as 5");
  }
  for (const auto& [name, value] : {std::pair("dual_clip", s.dual_clip), std::pair("ratio_cap", s.ratio_cap)}) {
    if (value != 0 && value <= 1) complain(name, "expected above 1, or 0 for off, got " + number_text(value));
    if (value != 0 && !ppo) complain(name, "acts only with clip ppo, not with " + kind);
  }
  if (ppo && s.dual_clip > 1 && s.ratio_cap > s.dual_clip && s.ratio_cap > 1 + s.clip_high) {
    complain("ratio_cap", "expected below dual_clip or 1 + clip_high, which bound every ratio before it");
  }
  if (s.clip != Clip::sapo) {
    if (s.sapo_tau_positive != preset.sapo_tau_positive) complain("sapo_tau_positive", "acts only with clip sapo");
    if (s.sapo_tau_negative != preset.sapo_tau_negative) complain("sapo_tau_negative", "acts only with clip sapo");
  }
}

void check_terms(const ObjectiveSettings& s, const ObjectiveSettings& preset, const Complain& complain) {
  if (s.constant_length != preset.constant_length && s.aggregation != Aggregation::constant)
    complain("constant_length", "acts only with aggregation constant");
  if (s.beta == 0 && s.kl != preset.kl) complain("kl", "acts only with beta above 0");
  if (s.beta == 0 && s.kl_in != preset.kl_in) complain("kl_in", "acts only with beta above 0");
  if (s.beta != 0 && s.kl_in == KlIn::reward && s.kl != Kl::k1) {
    complain("kl", "expected k1 where kl_in is reward, got " + std::string(to_string(s.kl)) +
                       ": a penalty in the reward is the log-ratio itself, whose mean is the KL");
  }
  if (s.beta != 0 && s.kl_in == KlIn::reward && s.multi_reward == MultiReward::normalize_then_sum) {
    complain("kl_in", "expected loss with multi_reward normalize_then_sum, which reads the single rewards only");
  }
  if (s.top_entropy_fraction == 0) complain("top_entropy_fraction", "expected above 0: no token would be learnt from");
}

void check_importance(const ObjectiveSettings& s, const ObjectiveSettings& preset, const Complain& complain) {
  if (s.importance == Importance::none) {
    if (s.importance_min != preset.importance_min) complain("importance_min", "acts only with importance");
    if (s.importance_max != preset.importance_max) complain("importance_max", "acts only with importance");
  } else if (s.importance_min > 1 || s.importance_max < 1 || s.importance_min >= s.importance_max) {
    complain("importance_max",
             "expected importance_min <= 1 <= importance_max, a range that holds the weight 1 of an "
             "equal sampler, got " +
                 number_text(s.importance_min) + " to " + number_text(s.importance_max));
  }
}

// Kinds whose baseline is the mean of the same prompt's answers.
bool compares_within_group(const ObjectiveSettings& s) {
  return s.advantage != Advantage::batch && s.advantage != Advantage::reinforce_pp;
}

void check_group(const GrpoSettings& s, const Complain& complain) {
  const ObjectiveSettings& o = s.objective;
  const bool raw_single = o.std_convention == StdConvention::verl && o.advantage == Advantage::group;
  if (s.samples_per_prompt == 1 && s.dynamic_sampling.enabled) {
    complain("samples_per_prompt", "expected at least 2 with dynamic_sampling: a group of one never differs");
  } else if (s.samples_per_prompt == 1 && compares_within_group(o) && !raw_single) {
    complain("samples_per_prompt", "expected at least 2 with advantage " + std::string(to_string(o.advantage)) +
                                       ": a group of one has nothing to compare with and every advantage is 0");
  } else if (s.samples_per_prompt * s.prompts_per_step == 1) {
    complain("samples_per_prompt", "expected at least 2 answers in a step: one has nothing to compare with");
  }
  if (s.samples_per_prompt == 2 && o.advantage == Advantage::group && o.std_convention == StdConvention::nemo)
    complain("objective.std_convention", "expected another with samples_per_prompt 2: one other answer has no std");
  if (s.minibatches > s.prompts_per_step * s.samples_per_prompt)
    complain("minibatches", "expected at most one per answer");
}

// One answer to each prompt, whatever is drawn.
void check_sampling(const rollout::SamplingSettings& s, const Complain& complain) {
  const std::string why = ": all answers of a group would be the same";
  if (s.temperature == 0) complain("sampling.temperature", "expected above 0" + why);
  if (s.top_k == 1) complain("sampling.top_k", "expected 0 or at least 2" + why);
  if (s.top_p == 0) complain("sampling.top_p", "expected above 0" + why);
  if (s.min_p == 1) complain("sampling.min_p", "expected below 1" + why);
}

void check_reference(const GrpoSettings& s, const Complain& complain) {
  const GrpoSettings usual;
  const bool renewed = s.reference_refresh_steps > 0;
  if (renewed && s.objective.beta == 0)
    complain("reference_refresh_steps", "acts only with objective.beta above 0: there is no reference");
  if (renewed && s.reference_mix == 0)
    complain("reference_mix", "expected above 0: the renewed reference would be the old one");
  if (!renewed && s.reference_mix != usual.reference_mix)
    complain("reference_mix", "acts only with reference_refresh_steps");
}

}  // namespace

void ObjectiveSettings::check(const Complain& complain) const {
  if (!is_preset(preset)) return;  // said by the reader
  const ObjectiveSettings own = objective_preset(preset);
  check_advantage(*this, own, complain);
  check_clip(*this, own, complain);
  check_terms(*this, own, complain);
  check_importance(*this, own, complain);
}

void DynamicSampling::check(const Complain& complain) const {
  const DynamicSampling usual;
  if (!enabled && by != usual.by) complain("by", "acts only with enabled: true");
  if (!enabled && max_rounds != usual.max_rounds) complain("max_rounds", "acts only with enabled: true");
  if (enabled && by == FilterBy::reward && max_rounds == 1)
    complain("max_rounds", "expected at least 2: in one round nothing is replaced");
}

void Curriculum::check(const Complain& complain) const {
  if (!enabled && solved != Curriculum().solved) complain("solved", "acts only with enabled: true");
  if (enabled && solved == 0) complain("solved", "expected above 0: every problem would count as solved");
}

void GrpoSettings::check(const Complain& complain) const {
  check_group(*this, complain);
  check_sampling(sampling, complain);
  check_reference(*this, complain);
  training.check_warmup(steps, complain);
  if (staleness == 0 && objective.importance != Importance::none) {
    complain("objective.importance",
             "acts only with staleness 1: else the sampler's probabilities are the trainer's, "
             "bit for bit");
  }
}

}  // namespace posttrain::rl
