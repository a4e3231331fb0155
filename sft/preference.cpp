#include "sft/preference.h"

#include <cmath>

#include "base/error.h"

namespace posttrain::sft {
namespace {

double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

double log_sigmoid(double x) {
  return x >= 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x));
}

}  // namespace

PreferenceLoss preference_loss(const PreferenceSettings& s, const PreferencePair& pair) {
  const double chosen = pair.chosen - pair.ref_chosen, rejected = pair.rejected - pair.ref_rejected;
  PreferenceLoss out{.reward_chosen = s.beta * chosen, .reward_rejected = s.beta * rejected};
  const double margin = s.beta * (chosen - rejected);
  if (s.kind == "sigmoid") {
    out.value = -(1 - s.label_smoothing) * log_sigmoid(margin) - s.label_smoothing * log_sigmoid(-margin);
    const double slope = -(1 - s.label_smoothing) * sigmoid(-margin) + s.label_smoothing * sigmoid(margin);
    out.dchosen = s.beta * slope;
    out.drejected = -s.beta * slope;
  } else if (s.kind == "hinge") {
    out.value = margin < 1 ? 1 - margin : 0;
    out.dchosen = margin < 1 ? -s.beta : 0;
    out.drejected = -out.dchosen;
  } else {
    PT_ASSERT(s.kind == "ipo", s.kind);
    const double gap = chosen / pair.chosen_tokens - rejected / pair.rejected_tokens - 1 / (2 * s.beta);
    out.value = gap * gap;
    out.dchosen = 2 * gap / pair.chosen_tokens;
    out.drejected = -2 * gap / pair.rejected_tokens;
  }
  return out;
}

}  // namespace posttrain::sft
