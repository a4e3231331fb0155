// Losses on pairs of answers, as functions of sequence log-probabilities: DPO and its relatives.
#pragma once

#include "base/params.h"

namespace posttrain::sft {

// Sums over completion tokens under the policy and under the frozen reference, and the numbers of those tokens.
struct PreferencePair {
  double chosen = 0, rejected = 0;
  double ref_chosen = 0, ref_rejected = 0;
  double chosen_tokens = 1, rejected_tokens = 1;
};

// The loss:
//   sigmoid  Rafailov et al. 2023, arXiv 2305.18290, equation 7; with label_smoothing the conservative form (cDPO) of
//            Mitchell 2023
//   hinge    SLiC, arXiv 2305.10425
//   ipo      Azar et al. 2023, arXiv 2310.12036, equation 17, per token as its authors advise
//   simpo    Meng et al. 2024, arXiv 2405.14734, equation 6: mean log-probabilities, a target margin, no reference
//   kto      Ethayarajh et al. 2024, arXiv 2402.01306, equation 8, on pairs: each answer against the mean log-ratio of
//            the batch's other side
//   orpo     Hong et al. 2024, arXiv 2403.07691, equation 6: likelihood of the chosen plus beta times the log odds
//            ratio, no reference
enum class PreferenceKind : uint8_t { sigmoid, hinge, ipo, simpo, kto, orpo };
constexpr auto enum_names(PreferenceKind) {
  return std::to_array({"sigmoid", "hinge", "ipo", "simpo", "kto", "orpo"});
}

struct PreferenceSettings {
  PreferenceKind kind = PreferenceKind::sigmoid;
  double beta = 0.1;
  double label_smoothing = 0;
  double target_margin = 0.5;                           // simpo's gamma
  double desirable_weight = 1, undesirable_weight = 1;  // kto's lambdas
  double likelihood_weight = 0;  // of -log p(chosen) per token added to any kind (Pang et al. 2024, arXiv 2404.19733)

  void visit(Visitor& v);
  void check(const Complain& complain) const;
  bool needs_reference() const { return kind != PreferenceKind::simpo && kind != PreferenceKind::orpo; }
};

// KTO's reference points: the batch's mean log-ratio of the chosen and of the rejected answers, at least 0. They carry
// no gradient; the other kinds do not look at them.
struct ReferencePoints {
  double chosen = 0, rejected = 0;
};

struct PreferenceLoss {
  double value = 0;
  double dchosen = 0, drejected = 0;              // d value / d (log-probability of each answer's every token)
  double reward_chosen = 0, reward_rejected = 0;  // beta times the log-ratio to the reference, or what stands for it
};

PreferenceLoss preference_loss(const PreferenceSettings& settings, const PreferencePair& pair,
                               const ReferencePoints& points = {});

}  // namespace posttrain::sft
