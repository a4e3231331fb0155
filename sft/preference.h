// Losses on pairs of answers, as functions of sequence log-probabilities: DPO and its relatives.
#pragma once

#include <string>

namespace posttrain::sft {

// Sums over completion tokens under the policy and under the frozen reference, and the numbers of those tokens.
struct PreferencePair {
  double chosen = 0, rejected = 0;
  double ref_chosen = 0, ref_rejected = 0;
  double chosen_tokens = 1, rejected_tokens = 1;
};

struct PreferenceSettings {
  // sigmoid: Rafailov et al. 2023, arXiv 2305.18290, equation 7; with label_smoothing the conservative form of Mitchell
  // 2023. hinge: SLiC, arXiv 2305.10425. ipo: Azar et al. 2023, arXiv 2310.12036, equation 17, per token as its authors
  // advise.
  std::string kind = "sigmoid";
  double beta = 0.1;
  double label_smoothing = 0;
};

struct PreferenceLoss {
  double value = 0;
  double dchosen = 0, drejected = 0;              // d value / d (log-probability of each answer's every token)
  double reward_chosen = 0, reward_rejected = 0;  // beta times the log-ratio to the reference
};

PreferenceLoss preference_loss(const PreferenceSettings& settings, const PreferencePair& pair);

}  // namespace posttrain::sft
