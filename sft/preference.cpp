#include "sft/preference.h"

#include <algorithm>
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

// -log sigmoid of the margin, smoothed, with its slope by the margin.
struct Logistic {
  double value, slope;
};
Logistic logistic(double margin, double smoothing) {
  return {-(1 - smoothing) * log_sigmoid(margin) - smoothing * log_sigmoid(-margin),
          -(1 - smoothing) * sigmoid(-margin) + smoothing * sigmoid(margin)};
}

// log p / (1 - p) of a mean log-probability, and its slope. A certain answer would have infinite odds.
struct Odds {
  double value, slope;
};
Odds log_odds(double mean_logp) {
  const double x = std::min(mean_logp, -1e-9), miss = -std::expm1(x);  // 1 - p
  return {x - std::log(miss), 1 / miss};
}

void add_sigmoid(const PreferenceSettings& s, PreferenceLoss& out) {
  const Logistic l = logistic(out.reward_chosen - out.reward_rejected, s.label_smoothing);
  out.value = l.value;
  out.dchosen = s.beta * l.slope;
  out.drejected = -s.beta * l.slope;
}

void add_hinge(const PreferenceSettings& s, PreferenceLoss& out) {
  const double margin = out.reward_chosen - out.reward_rejected;
  out.value = std::max(0.0, 1 - margin);
  out.dchosen = margin < 1 ? -s.beta : 0;
  out.drejected = -out.dchosen;
}

void add_ipo(const PreferenceSettings& s, const PreferencePair& pair, PreferenceLoss& out) {
  const double chosen = (pair.chosen - pair.ref_chosen) / pair.chosen_tokens;
  const double gap = chosen - (pair.rejected - pair.ref_rejected) / pair.rejected_tokens - 1 / (2 * s.beta);
  out.value = gap * gap;
  out.dchosen = 2 * gap / pair.chosen_tokens;
  out.drejected = -2 * gap / pair.rejected_tokens;
}

void add_simpo(const PreferenceSettings& s, const PreferencePair& pair, PreferenceLoss& out) {
  out.reward_chosen = s.beta * pair.chosen / pair.chosen_tokens;
  out.reward_rejected = s.beta * pair.rejected / pair.rejected_tokens;
  const Logistic l = logistic(out.reward_chosen - out.reward_rejected - s.target_margin, s.label_smoothing);
  out.value = l.value;
  out.dchosen = s.beta * l.slope / pair.chosen_tokens;
  out.drejected = -s.beta * l.slope / pair.rejected_tokens;
}

void add_kto(const PreferenceSettings& s, const ReferencePoints& points, PreferenceLoss& out) {
  const double wanted = sigmoid(out.reward_chosen - s.beta * points.rejected);
  const double unwanted = sigmoid(s.beta * points.chosen - out.reward_rejected);
  out.value = s.desirable_weight * (1 - wanted) + s.undesirable_weight * (1 - unwanted);
  out.dchosen = -s.desirable_weight * s.beta * wanted * (1 - wanted);
  out.drejected = s.undesirable_weight * s.beta * unwanted * (1 - unwanted);
}

void add_orpo(const PreferenceSettings& s, const PreferencePair& pair, PreferenceLoss& out) {
  const double chosen = pair.chosen / pair.chosen_tokens, rejected = pair.rejected / pair.rejected_tokens;
  const Odds good = log_odds(chosen), bad = log_odds(rejected);
  const Logistic l = logistic(good.value - bad.value, 0);
  out.value = -chosen + s.beta * l.value;
  out.dchosen = (-1 + s.beta * l.slope * good.slope) / pair.chosen_tokens;
  out.drejected = -s.beta * l.slope * bad.slope / pair.rejected_tokens;
  out.reward_chosen = s.beta * chosen;
  out.reward_rejected = s.beta * rejected;
}

}  // namespace

void PreferenceSettings::visit(Visitor& v) {
  v("kind", kind, {.doc = "DPO's logistic loss (with label_smoothing: cDPO), or a relative"});
  v("beta", beta, {.doc = "How strongly log-ratios count; simpo's papers take 2 to 2.5", .min = 1e-6, .max = 1e3});
  v("label_smoothing", label_smoothing,
    {.doc = "Share of pairs that may be labelled the wrong way round (sigmoid, simpo)", .min = 0, .max = 0.5});
  v("target_margin", target_margin, {.doc = "simpo: wanted lead of the chosen answer", .min = 0});
  v("desirable_weight", desirable_weight, {.doc = "kto: weight of chosen answers", .min = 0});
  v("undesirable_weight", undesirable_weight, {.doc = "kto: weight of rejected answers", .min = 0});
  v("likelihood_weight", likelihood_weight, {.doc = "Weight of -log p(chosen) per token beside the loss", .min = 0});
}

void PreferenceSettings::check(const Complain& complain) const {
  const PreferenceSettings usual;
  const bool kto = kind == PreferenceKind::kto;
  if (label_smoothing != 0 && kind != PreferenceKind::sigmoid && kind != PreferenceKind::simpo)
    complain("label_smoothing", "acts only with kind sigmoid or simpo");
  if (target_margin != usual.target_margin && kind != PreferenceKind::simpo)
    complain("target_margin", "acts only with kind simpo");
  if (desirable_weight != usual.desirable_weight && !kto) complain("desirable_weight", "acts only with kind kto");
  if (undesirable_weight != usual.undesirable_weight && !kto) complain("undesirable_weight", "acts only with kind kto");
  if (kto && desirable_weight == 0 && undesirable_weight == 0)
    complain("desirable_weight", "expected it or undesirable_weight above 0: nothing would be learnt");
}

PreferenceLoss preference_loss(const PreferenceSettings& s, const PreferencePair& pair, const ReferencePoints& points) {
  PreferenceLoss out{.reward_chosen = s.beta * (pair.chosen - pair.ref_chosen),
                     .reward_rejected = s.beta * (pair.rejected - pair.ref_rejected)};
  switch (s.kind) {
    case PreferenceKind::sigmoid:
      add_sigmoid(s, out);
      break;
    case PreferenceKind::hinge:
      add_hinge(s, out);
      break;
    case PreferenceKind::ipo:
      add_ipo(s, pair, out);
      break;
    case PreferenceKind::simpo:
      add_simpo(s, pair, out);
      break;
    case PreferenceKind::kto:
      add_kto(s, points, out);
      break;
    case PreferenceKind::orpo:
      add_orpo(s, pair, out);
      break;
  }
  out.value -= s.likelihood_weight * pair.chosen / pair.chosen_tokens;
  out.dchosen -= s.likelihood_weight / pair.chosen_tokens;
  return out;
}

}  // namespace posttrain::sft
