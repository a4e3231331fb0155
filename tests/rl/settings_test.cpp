// Settings that contradict each other or cannot act are refused with the field's name; every preset is accepted.
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/node.h"
#include "rl/grpo.h"

namespace posttrain::rl {
namespace {

// What reading a stage's settings complains of, one line a problem.
std::string complaints(const std::string& text) {
  try {
    params_from<GrpoSettings>(Json::parse(text), "stage");
  } catch (const Problems& problems) {
    return problems.what();
  }
  return "";
}

struct Refused {
  const char* stage;
  const char* field;
};

class SettingsWithoutEffect : public testing::TestWithParam<Refused> {};

TEST_P(SettingsWithoutEffect, AreRefusedByName) {
  const std::string got = complaints(GetParam().stage);
  EXPECT_NE(got.find(std::string(" ") + GetParam().field + ": "), std::string::npos) << GetParam().stage << "\n" << got;
}

constexpr Refused refused[] = {
    {R"({"samples_per_prompt": 1})", "samples_per_prompt"},
    {R"({"samples_per_prompt": 1, "objective": {"advantage": "leave_one_out"}})", "samples_per_prompt"},
    {R"({"samples_per_prompt": 1, "objective": {"preset": "reinforce++_baseline"}})", "samples_per_prompt"},
    {R"({"samples_per_prompt": 1, "prompts_per_step": 1, "objective": {"preset": "reinforce++"}})",
     "samples_per_prompt"},
    {R"({"samples_per_prompt": 1, "objective": {"preset": "reinforce++"}, "dynamic_sampling": {"enabled": true}})",
     "samples_per_prompt"},
    {R"({"samples_per_prompt": 2, "objective": {"std_convention": "nemo"}})", "objective.std_convention"},
    {R"({"minibatches": 1000})", "minibatches"},
    {R"({"objective": {"dual_clip": 0.5}})", "objective.dual_clip"},
    {R"({"objective": {"dual_clip": 1}})", "objective.dual_clip"},
    {R"({"objective": {"ratio_cap": 0.5}})", "objective.ratio_cap"},
    {R"({"objective": {"clip": "cispo", "clip_high": 5, "dual_clip": 3}})", "objective.dual_clip"},
    {R"({"objective": {"preset": "sapo", "ratio_cap": 3}})", "objective.ratio_cap"},
    {R"({"objective": {"preset": "dapo", "dual_clip": 3, "ratio_cap": 4}})", "objective.ratio_cap"},
    {R"({"objective": {"clip_low": 0, "clip_high": 0}})", "objective.clip_high"},
    {R"({"objective": {"preset": "cispo", "clip_high": 0.28}})", "objective.clip_high"},
    {R"({"objective": {"preset": "dapo", "clip": "cispo"}})", "objective.clip_high"},
    {R"({"objective": {"preset": "cispo", "clip_low": 0.1}})", "objective.clip_low"},
    {R"({"objective": {"preset": "sapo", "clip_high": 0.3}})", "objective.clip_high"},
    {R"({"objective": {"clip": "none", "clip_low": 0.3}})", "objective.clip_low"},
    {R"({"objective": {"sapo_tau_positive": 2}})", "objective.sapo_tau_positive"},
    {R"({"objective": {"sapo_tau_negative": 2}})", "objective.sapo_tau_negative"},
    {R"({"objective": {"constant_length": 100}})", "objective.constant_length"},
    {R"({"objective": {"kl": "k2", "kl_in": "reward"}})", "objective.kl"},
    {R"({"objective": {"kl": "unbiased", "kl_in": "reward"}})", "objective.kl"},
    {R"({"objective": {"preset": "dapo", "kl": "k2"}})", "objective.kl"},
    {R"({"objective": {"preset": "dapo", "kl_in": "reward"}})", "objective.kl_in"},
    {R"({"objective": {"top_entropy_fraction": 0}})", "objective.top_entropy_fraction"},
    {R"({"objective": {"importance": "token_truncate"}, "staleness": 0})", "objective.importance"},
    {R"({"objective": {"importance": "token_mask", "importance_min": 5, "importance_max": 1}, "staleness": 1})",
     "objective.importance_max"},
    {R"({"objective": {"importance": "token_mask", "importance_max": 0.5}, "staleness": 1})",
     "objective.importance_max"},
    {R"({"objective": {"importance_max": 5}})", "objective.importance_max"},
    {R"({"objective": {"importance_min": 0.5}})", "objective.importance_min"},
    {R"({"objective": {"multi_reward": "normalize_then_sum", "advantage": "centred"}})", "objective.advantage"},
    {R"({"objective": {"preset": "dr_grpo", "multi_reward": "normalize_then_sum"}})", "objective.advantage"},
    {R"({"objective": {"multi_reward": "normalize_then_sum", "std_scope": "batch"}})", "objective.std_scope"},
    {R"({"objective": {"multi_reward": "normalize_then_sum", "kl": "k1", "kl_in": "reward"}})", "objective.kl_in"},
    {R"({"objective": {"advantage": "leave_one_out", "std_convention": "verl"}})", "objective.std_convention"},
    {R"({"objective": {"advantage": "opo", "std_scope": "batch"}})", "objective.std_scope"},
    {R"({"objective": {"std_convention": "none", "std_scope": "batch"}})", "objective.std_scope"},
    {R"({"objective": {"std_convention": "nemo", "std_scope": "batch"}})", "objective.std_convention"},
    {R"({"objective": {"beta": 0}, "reference_refresh_steps": 5})", "reference_refresh_steps"},
    {R"({"reference_refresh_steps": 5, "reference_mix": 0})", "reference_mix"},
    {R"({"reference_mix": 0.5})", "reference_mix"},
    {R"({"sampling": {"temperature": 0}})", "sampling.temperature"},
    {R"({"sampling": {"top_k": 1}})", "sampling.top_k"},
    {R"({"sampling": {"top_p": 0}})", "sampling.top_p"},
    {R"({"sampling": {"min_p": 1}})", "sampling.min_p"},
    {R"({"dynamic_sampling": {"max_rounds": 2}})", "dynamic_sampling.max_rounds"},
    {R"({"dynamic_sampling": {"by": "reward"}})", "dynamic_sampling.by"},
    {R"({"dynamic_sampling": {"enabled": true, "by": "reward", "max_rounds": 1}})", "dynamic_sampling.max_rounds"},
    {R"({"curriculum": {"solved": 0.5}})", "curriculum.solved"},
    {R"({"curriculum": {"enabled": true, "solved": 0}})", "curriculum.solved"},
    {R"({"training": {"warmup_steps": 100}, "steps": 2})", "training.warmup_steps"},
    {R"({"training": {"lr": 0}})", "training.lr"},
    {R"({"training": {"beta1": 1}})", "training.beta1"},
    {R"({"training": {"beta2": 1}})", "training.beta2"},
    {R"({"training": {"eps": 0}})", "training.eps"},
    {R"({"training": {"final_lr_fraction": 0.5}})", "training.final_lr_fraction"},
    {R"({"training": {"lora": {}, "optimizer_state": "8bit"}})", "training.optimizer_state"},
};

INSTANTIATE_TEST_SUITE_P(Grpo, SettingsWithoutEffect, testing::ValuesIn(refused));

TEST(Settings, EveryPresetIsAcceptedAndSoIsWhatItResolvesTo) {
  for (const std::string& preset : objective_presets()) {
    const std::string text = R"({"objective": {"preset": ")" + preset + R"("}})";
    EXPECT_EQ(complaints(text), "");
    const auto read = params_from<GrpoSettings>(Json::parse(text), "stage");
    EXPECT_EQ(complaints(to_line(params_to_json(read))), "") << preset;
    EXPECT_EQ(to_line(params_to_json(params_from<GrpoSettings>(params_to_json(read), "resolved"))),
              to_line(params_to_json(read)));
  }
}

// Each of these was near one that is refused.
TEST(Settings, WhatActsIsAccepted) {
  for (const char* stage : {
           R"({"objective": {"preset": "rloo", "beta": 0}})",
           R"({"objective": {"preset": "dr_grpo", "constant_length": 100}})",
           R"({"objective": {"preset": "dapo", "dual_clip": 3}, "minibatches": 4})",
           R"({"objective": {"preset": "dapo", "ratio_cap": 1.5, "dual_clip": 3}, "minibatches": 4})",
           R"({"objective": {"preset": "dapo", "clip": "sapo"}})",
           R"({"objective": {"clip": "cispo"}})",
           R"({"objective": {"kl": "k1"}})",
           R"({"objective": {"kl": "k1", "kl_in": "reward"}})",
           R"({"objective": {"importance": "token_mask", "importance_min": 0.5, "importance_max": 2}, "staleness": 1})",
           R"({"objective": {"multi_reward": "normalize_then_sum", "std_convention": "verl"}})",
           R"({"samples_per_prompt": 1, "objective": {"preset": "reinforce++"}})",
           R"({"samples_per_prompt": 1, "objective": {"std_convention": "verl"}})",
           R"({"dynamic_sampling": {"enabled": true, "by": "accuracy", "max_rounds": 2}})",
           R"({"steps": 10, "reference_refresh_steps": 5, "reference_mix": 0.5})",
           R"({"steps": 5, "training": {"warmup_steps": 5, "schedule": "cosine", "final_lr_fraction": 0.1}})",
           R"({"training": {"lora": {}}})",
       }) {
    EXPECT_EQ(complaints(stage), "") << stage;
  }
}

}  // namespace
}  // namespace posttrain::rl
