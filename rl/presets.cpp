// The visible table of objectives: one line of values per paper.
#include "base/error.h"
#include "rl/settings.h"

namespace posttrain::rl {
namespace {

using Settings = ObjectiveSettings;

struct Preset {
  const char* name;
  const char* source;
  void (*apply)(Settings&);
};

// Every preset starts from plain GRPO: group std, token ratio, clip 0.2, sequence mean, k3 in the loss with beta 0.
constexpr Preset presets[] = {
    {"r1-zero", "DeepSeek-R1, Nature 2025: KL 0.001, clip 10",
     [](Settings& s) {
       s.clip_low = s.clip_high = 10;
       s.beta = 0.001;
     }},
    {"r1", "DeepSeek-R1, first RL stage: as r1-zero; its language reward stands in the recipe",
     [](Settings& s) {
       s.clip_low = s.clip_high = 10;
       s.beta = 0.001;
     }},
    {"grpo", "DeepSeekMath, arXiv 2402.03300: KL 0.04", [](Settings& s) { s.beta = 0.04; }},
    {"dr_grpo", "Dr. GRPO, arXiv 2503.20783: no std, constant length",
     [](Settings& s) {
       s.advantage = Advantage::centred;
       s.aggregation = Aggregation::constant;
     }},
    {"dapo", "DAPO, arXiv 2503.14476: clip 0.2 and 0.28, token mean, no KL",
     [](Settings& s) {
       s.clip_high = 0.28;
       s.aggregation = Aggregation::token_mean;
     }},
    {"gspo", "GSPO, arXiv 2507.18071: sequence ratio",
     [](Settings& s) {
       s.ratio = Ratio::sequence;
       s.clip_low = 3e-4;
       s.clip_high = 4e-4;
     }},
    {"cispo", "CISPO, arXiv 2506.13585, with the cap of 5 of ScaleRL, arXiv 2510.13786",
     [](Settings& s) {
       s.clip = Clip::cispo;
       s.clip_high = 5;
       s.aggregation = Aggregation::token_mean;
     }},
    {"sapo", "SAPO: a soft gate instead of a clip", [](Settings& s) { s.clip = Clip::sapo; }},
    {"rloo", "RLOO, arXiv 2402.14740: leave-one-out baseline, ratio of whole answers, KL in the reward",
     [](Settings& s) {
       s.advantage = Advantage::leave_one_out;
       s.ratio = Ratio::sequence_sum;
       s.kl = Kl::k1;
       s.kl_in = KlIn::reward;
       s.beta = 0.05;
     }},
    {"reinforce++", "REINFORCE++, arXiv 2501.03262: whitened over the batch, KL in the reward",
     [](Settings& s) {
       s.advantage = Advantage::reinforce_pp;
       s.kl = Kl::k1;
       s.kl_in = KlIn::reward;
       s.beta = 0.01;
       s.aggregation = Aggregation::token_mean;
     }},
    {"reinforce++_baseline",
     "REINFORCE++-baseline, arXiv 2501.03262: group mean, whitened over the batch, k2 in the loss",
     [](Settings& s) {
       s.advantage = Advantage::reinforce_pp_baseline;
       s.kl = Kl::k2;
       s.beta = 0.001;
       s.aggregation = Aggregation::token_mean;
     }},
    {"prover-v1.5", "DeepSeek-Prover-V1.5, arXiv 2408.08152: KL 0.02", [](Settings& s) { s.beta = 0.02; }},
    {"v3.2", "DeepSeek-V3.2, arXiv 2512.02556: no std, unbiased KL, off-policy sequence mask",
     [](Settings& s) {
       s.advantage = Advantage::centred;
       s.kl = Kl::unbiased;
       s.beta = 0.001;
       s.off_policy_mask = 0.5;
     }},
};

}  // namespace

std::vector<std::string> objective_presets() {
  std::vector<std::string> names;
  for (const Preset& preset : presets) names.emplace_back(preset.name);
  return names;
}

ObjectiveSettings objective_preset(const std::string& name) {
  for (const Preset& preset : presets) {
    if (name != preset.name) continue;
    ObjectiveSettings s;
    s.clip_low = s.clip_high = 0.2;
    s.beta = 0;
    preset.apply(s);
    s.preset = name;
    return s;
  }
  throw Error("objective", "preset", "a known preset", "\"" + name + "\"");
}

}  // namespace posttrain::rl
