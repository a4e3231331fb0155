// An independent float64 reading of the papers' losses, written from their formulas for tests only: one function from
// all log-probabilities of a batch to one number. Gradients come from central differences of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace posttrain::rl::reference {

struct Answer {
  int group;
  double advantage;
  std::vector<double> logp, old_logp, ref_logp;
  std::vector<int> mask;
};

inline double tokens_of(const Answer& a) {
  double n = 0;
  for (const int m : a.mask) n += m;
  return n;
}

inline double k3(double ref, double now) {
  return std::exp(ref - now) - (ref - now) - 1;
}

// PPO's term for one token or one sequence.
inline double ppo(double ratio, double advantage, double low, double high) {
  return -std::min(ratio * advantage, std::min(std::max(ratio, 1 - low), 1 + high) * advantage);
}

// The stop-gradient parts of CISPO use the log-probabilities at which the gradient is taken.
inline double loss(const std::string& preset, const std::vector<Answer>& batch, const std::vector<Answer>& fixed,
                   double max_length) {
  const auto n = static_cast<double>(batch.size());
  double all_tokens = 0, total = 0;
  for (const Answer& a : batch) all_tokens += tokens_of(a);
  for (size_t i = 0; i < batch.size(); ++i) {
    const Answer& a = batch[i];
    double sum = 0, log_ratio = 0;
    for (size_t t = 0; t < a.logp.size(); ++t) log_ratio += a.mask[t] * (a.logp[t] - a.old_logp[t]);
    const double sequence_ratio = std::exp(log_ratio / tokens_of(a));
    double drift = 0;
    for (size_t t = 0; t < a.logp.size(); ++t) drift += fixed[i].mask[t] * (fixed[i].old_logp[t] - fixed[i].logp[t]);
    const bool off_policy = a.advantage < 0 && drift / tokens_of(a) > 0.5;
    for (size_t t = 0; t < a.logp.size(); ++t) {
      if (a.mask[t] == 0) continue;
      const double ratio = std::exp(a.logp[t] - a.old_logp[t]);
      const double kl = k3(a.ref_logp[t], a.logp[t]);
      if (preset == "r1-zero" || preset == "r1") sum += ppo(ratio, a.advantage, 10, 10) + 0.001 * kl;
      if (preset == "grpo") sum += ppo(ratio, a.advantage, 0.2, 0.2) + 0.04 * kl;
      if (preset == "prover-v1.5") sum += ppo(ratio, a.advantage, 0.2, 0.2) + 0.02 * kl;
      if (preset == "dr_grpo" || preset == "reinforce++") sum += ppo(ratio, a.advantage, 0.2, 0.2);
      if (preset == "dapo") sum += ppo(ratio, a.advantage, 0.2, 0.28);
      if (preset == "reinforce++_baseline") {
        const double gap = a.ref_logp[t] - a.logp[t];
        sum += ppo(ratio, a.advantage, 0.2, 0.2) + 0.001 * gap * gap / 2;
      }
      if (preset == "gspo") sum += ppo(sequence_ratio, a.advantage, 3e-4, 4e-4);
      if (preset == "cispo") {
        const double held = std::exp(fixed[i].logp[t] - fixed[i].old_logp[t]);
        sum += -std::min(held, 5.0) * a.advantage * a.logp[t];
      }
      if (preset == "sapo") {
        const double tau = a.advantage > 0 ? 1.0 : 1.05;
        sum += -4 / tau / (1 + std::exp(-tau * (ratio - 1))) * a.advantage;
      }
      if (preset == "v3.2") sum += (off_policy ? 0 : ppo(ratio, a.advantage, 0.2, 0.2)) + 0.001 * ratio * kl;
    }
    if (preset == "rloo") {  // one ratio and one term an answer: TRL 1.16, RLOOTrainer._compute_loss
      total += ppo(std::exp(log_ratio), a.advantage, 0.2, 0.2) / n;
    } else if (preset == "dr_grpo") {
      total += sum / (n * max_length);
    } else if (preset == "dapo" || preset == "cispo" || preset.starts_with("reinforce++")) {
      total += sum / all_tokens;
    } else {
      total += sum / tokens_of(a) / n;
    }
  }
  return total;
}

}  // namespace posttrain::rl::reference
