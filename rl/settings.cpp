#include "rl/settings.h"

#include "rl/grpo.h"

namespace posttrain::rl {

void ObjectiveSettings::visit(Visitor& v) {
  v("preset", preset,
    {.doc = "A paper's values for everything below; keys beside it override", .choices = objective_presets()});
  if (preset != applied_) {
    for (const std::string& name : objective_presets()) {
      if (name == preset) *this = objective_preset(name);
    }
    applied_ = preset;
  }
  v("advantage", advantage,
    {.doc = "Baseline: group mean and std, group mean alone, mean of the others, whitened over the batch, ..."});
  v("std_convention", std_convention,
    {.doc = "Which std divides: trl (n-1, +1e-4), verl (n-1, +1e-6), openrlhf (n-1, +1e-9), open_instruct (n, +1e-8), "
            "nemo (n-1 of the others, +1e-6), areal (n-1, +1e-5), grpo_zero (n, +1e-4), dr_grpo_repo (n-1, +1e-8)"});
  v("std_scope", std_scope, {.doc = "Std over the group or over the whole batch"});
  v("multi_reward", multi_reward,
    {.doc = "Several rewards: their weighted sum, or each by itself against its group, then the sum against the batch "
            "(GDPO)"});
  v("ratio", ratio,
    {.doc = "Importance ratio per token, per sequence (exp of the mean: GSPO), its token form, or of whole answers "
            "(exp of the sum: "
            "RLOO)"});
  v("clip", clip, {.doc = "What bounds the ratio"});
  v("clip_low", clip_low, {.doc = "The ratio is clipped below 1 - clip_low", .min = 0});
  v("clip_high", clip_high, {.doc = "The ratio is clipped above 1 + clip_high; for cispo the cap itself", .min = 0});
  v("dual_clip", dual_clip, {.doc = "c > 1 bounds the loss by -c A where A < 0; 0 = off", .min = 0});
  v("ratio_cap", ratio_cap, {.doc = "delta > 1 caps the unclipped ratio (two-sided clip); 0 = off", .min = 0});
  v("sapo_tau_positive", sapo_tau_positive, {.doc = "SAPO's temperature where A > 0", .min = 1e-6});
  v("sapo_tau_negative", sapo_tau_negative, {.doc = "SAPO's temperature where A <= 0", .min = 1e-6});
  v("aggregation", aggregation, {.doc = "How token losses become one number"});
  v("constant_length", constant_length,
    {.doc = "Length that `constant` divides by; 0 = max_new_tokens", .min = 0, .unit = "tokens"});
  v("kl", kl, {.doc = "Estimator of the KL to the reference; unbiased is k3 times the ratio"});
  v("kl_in", kl_in, {.doc = "Whether the KL term is a loss or taken off the reward"});
  v("beta", beta, {.doc = "Weight of the KL term; 0 loads no reference model", .min = 0});
  v("entropy_coef", entropy_coef, {.doc = "Weight of the entropy bonus", .min = -10, .max = 10});
  v("top_entropy_fraction", top_entropy_fraction,
    {.doc = "Share of the tokens, by entropy, that carry the policy term", .min = 0, .max = 1});
  v("importance", importance, {.doc = "Correction for a sampler whose probabilities differ from the trainer's"});
  v("importance_min", importance_min, {.doc = "Smallest weight kept by the correction", .min = 0});
  v("importance_max", importance_max, {.doc = "Largest weight kept by the correction", .min = 0});
  v("off_policy_mask", off_policy_mask,
    {.doc = "Drop a sequence with A < 0 whose mean log(old / new) exceeds this; 0 = off", .min = 0});
}

void DynamicSampling::visit(Visitor& v) {
  v("enabled", enabled, {.doc = "Replace groups that teach nothing by new ones (DAPO)"});
  v("by", by,
    {.doc = "What a group's answers must differ in: some right and some not (accuracy), or in their total reward; auto "
            "is accuracy where a reward judges right and wrong, else reward"});
  v("max_rounds", max_rounds, {.doc = "Most rounds of sampling in a step", .min = 1, .max = 100});
}

void Curriculum::visit(Visitor& v) {
  v("enabled", enabled, {.doc = "Ask no problem again that was solved when it was asked"});
  v("solved", solved, {.doc = "Share of right answers from which a problem counts as solved", .min = 0, .max = 1});
}

void GrpoSettings::visit(Visitor& v) {
  v("steps", steps, {.doc = "Rollouts, each with its updates", .min = 0, .unit = "steps"});
  v("prompts_per_step", prompts_per_step, {.doc = "Problems in a rollout", .min = 1, .max = 1 << 20});
  v("samples_per_prompt", samples_per_prompt, {.doc = "Group size: answers to each problem", .min = 1, .max = 1 << 16});
  v("minibatches", minibatches, {.doc = "Optimizer steps over one rollout", .min = 1});
  v("epochs", epochs, {.doc = "Passes over one rollout", .min = 1});
  v("truncated", truncated,
    {.doc = "An answer cut by the length limit counts as any other, or its tokens carry no loss (its reward stays in "
            "the baseline)"});
  v("reference_refresh_steps", reference_refresh_steps,
    {.doc = "Renew the reference by the policy this often; 0 = never", .min = 0, .unit = "steps"});
  v("reference_mix", reference_mix,
    {.doc = "Share of the policy in the renewed reference, the rest is the old one; 1 replaces it",
     .min = 0,
     .max = 1});
  v("micro_batch_tokens", micro_batch_tokens,
    {.doc = "Most rows in one forward and backward; 0 = what 2 GiB of activations hold", .min = 0, .unit = "tokens"});
  v("staleness", staleness,
    {.doc = "Updates that rollouts may lag behind: 1 draws the next ones while this step trains", .min = 0, .max = 1});
  v("second_attempts", second_attempts,
    {.doc = "Most further groups in a step whose prompt holds an answer that does not compile and the diagnostics",
     .min = 0});
  v("dynamic_sampling", dynamic_sampling, {.doc = "Groups that teach nothing"});
  v("curriculum", curriculum, {.doc = "Problems that are solved already"});
  v("sampling", sampling, {.doc = "How answers are drawn"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
  v("objective", objective, {.doc = "The loss, as data"});
  v("training", training, {.doc = "Optimizer and learning rate"});
}

}  // namespace posttrain::rl
