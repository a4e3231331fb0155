// The GRPO family against TRL: loss, per-token terms, metrics, gradients.
#include <limits>

#include "base/error.h"
#include "parity/rl_fixture.h"
#include "rl/advantage.h"
#include "rl/objective.h"

namespace posttrain::parity {
namespace {

constexpr double no_threshold = -std::numeric_limits<double>::infinity();

double number_or(const Json& object, const char* field, double otherwise) {
  return !object.contains(field) || object.at(field).is_null() ? otherwise : object.at(field).get<double>();
}

// `counted`: the batch's tokens under the mask. num_items_in_batch may be another number (a batch generated at once and
// trained in parts): then the sum is divided by it as by a constant length.
rl::ObjectiveSettings settings_of(const Json& c, const std::string& file, const rl::ObjectiveBatch& batch,
                                  double counted) {
  refuse_unknown(c, file,
                 {"name",
                  "loss_type",
                  "scale_rewards",
                  "importance_sampling_level",
                  "beta",
                  "epsilon_low",
                  "epsilon_high",
                  "delta",
                  "temperature",
                  "mask_truncated",
                  "use_bias_correction_kl",
                  "max_completion_length",
                  "num_items_in_batch",
                  "top_entropy_quantile",
                  "entropy_coef",
                  "sapo_temperature_pos",
                  "sapo_temperature_neg",
                  "loss",
                  "loss_fp64",
                  "has_param_grads",
                  "metrics"});
  auto s = rl::objective_preset("grpo");
  s.beta = c.at("beta").get<double>();
  s.clip_low = c.at("epsilon_low").get<double>();
  s.clip_high = number_or(c, "epsilon_high", s.clip_low);
  s.ratio_cap = number_or(c, "delta", 0);
  s.top_entropy_fraction = number_or(c, "top_entropy_quantile", 1);
  s.entropy_coef = number_or(c, "entropy_coef", 0);
  s.sapo_tau_positive = number_or(c, "sapo_temperature_pos", 1);
  s.sapo_tau_negative = number_or(c, "sapo_temperature_neg", 1.05);
  s.ratio = *from_name<rl::Ratio>(
      choice(c, file, "importance_sampling_level", {{"token", "token"}, {"sequence", "sequence"}}));
  s.kl = c.at("use_bias_correction_kl").get<bool>() ? rl::Kl::unbiased : rl::Kl::k3;
  s.advantage = *from_name<rl::Advantage>(
      choice(c, file, "scale_rewards", {{"group", "group"}, {"batch", "group"}, {"none", "centred"}}));
  s.std_scope = c.at("scale_rewards") == "batch" ? rl::Scope::batch : rl::Scope::group;
  s.aggregation = *from_name<rl::Aggregation>(choice(c, file, "loss_type",
                                                     {{"grpo", "sequence_mean"},
                                                      {"sapo", "sequence_mean"},
                                                      {"bnpo", "token_mean"},
                                                      {"dapo", "token_mean"},
                                                      {"cispo", "token_mean"},
                                                      {"dr_grpo", "constant"},
                                                      {"luspo", "sequence_sum"},
                                                      {"rloo", "sequence_mean"}}));
  if (c.at("loss_type") == "cispo" || c.at("loss_type") == "sapo")
    s.clip = *from_name<rl::Clip>(c.at("loss_type").get<std::string>());
  if (c.at("loss_type") == "rloo") {  // TRL's RLOOTrainer
    s.advantage = rl::Advantage::leave_one_out;
    s.ratio = rl::Ratio::sequence_sum;
    s.kl = rl::Kl::k1;
    s.kl_in = rl::KlIn::reward;
  }
  const double items = number_or(c, "num_items_in_batch", counted);
  if (s.aggregation == rl::Aggregation::token_mean && c.at("loss_type") != "bnpo" && items != counted) {
    s.aggregation = rl::Aggregation::constant;
    s.constant_length = items / static_cast<double>(batch.samples());
  }
  return s;
}

// Everything but the advantages.
rl::ObjectiveBatch objective_batch(const FixtureBatch& batch, const Json& c) {
  rl::ObjectiveBatch out;
  out.begin.push_back(0);
  out.max_completion_tokens = c.at("max_completion_length").get<double>();
  const bool mask_truncated = c.at("mask_truncated").get<bool>();
  for (int64_t r = 0; r < batch.rows(); ++r) {
    const auto length = std::ssize(batch.completions[r].ids);
    out.begin.push_back(out.begin.back() + length);
    out.group.push_back(static_cast<int32_t>(r / batch.group_size));
    for (int64_t t = 0; t < length; ++t) {
      const bool counts = batch.mask.at(r * batch.width + t) != 0 && !(mask_truncated && batch.truncated[r]);
      out.mask.push_back(counts ? 1 : 0);
    }
  }
  const auto rows = batch.all_rows();
  out.old_logp = batch.unpad(batch.old_logps, rows);
  out.ref_logp = batch.unpad(batch.ref_logps, rows);
  return out;
}

void add_advantages(const FixtureBatch& batch, const rl::ObjectiveSettings& settings, rl::ObjectiveBatch& out) {
  std::vector<rl::ScoredSample> scored;
  for (int64_t r = 0; r < batch.rows(); ++r) {
    double kl = 0;
    for (int64_t t = out.begin[r]; t < out.begin[r + 1]; ++t) kl += out.mask[t] * (out.old_logp[t] - out.ref_logp[t]);
    const double penalty = settings.kl_in == rl::KlIn::reward ? settings.beta * kl : 0;
    scored.push_back({.group = out.group[r],
                      .reward = static_cast<float>(batch.rewards[r]) - penalty,
                      .length = static_cast<double>(batch.completions[r].ids.size())});
  }
  const auto advantage = rl::advantages(settings, scored);
  for (size_t r = 0; r < advantage.size(); ++r) {
    out.advantage.insert(out.advantage.end(), batch.completions[r].ids.size(), advantage[r]);
  }
}

struct Evaluated {
  rl::ObjectiveBatch host;
  rl::ObjectiveSettings settings;
  rl::ObjectiveResult result;
  std::vector<double> logp, entropy, part_losses;
};

// `parts`: runs of rows [first, last) whose losses are wanted as well.
Evaluated evaluate(model::Learner& learner, const FixtureBatch& batch, const Json& c, const std::string& file,
                   const std::vector<std::pair<int64_t, int64_t>>& parts = {}) {
  Evaluated out;
  out.host = objective_batch(batch, c);
  double counted = 0;
  for (const uint8_t m : out.host.mask) counted += m;
  out.settings = settings_of(c, file, out.host, counted);
  add_advantages(batch, out.settings, out.host);
  const rl::Objective objective(out.settings, out.host);
  const auto rows = batch.all_rows();
  const auto packed = rollout::pack_samples(batch.samples(rows), c.at("temperature").get<double>());
  learner.accumulate(packed, [&](const model::Scores& scores) {
    out.logp.assign(scores.logp.begin(), scores.logp.end());
    out.entropy.assign(scores.entropy.begin(), scores.entropy.end());
    const double threshold =
        out.settings.top_entropy_fraction < 1 ? objective.entropy_threshold(out.entropy) : no_threshold;
    out.result = objective.evaluate(0, out.host.samples(), out.logp, out.entropy, threshold);
    for (const auto& [first, last] : parts) {
      const auto begin = static_cast<size_t>(out.host.begin.at(first));
      const auto count = static_cast<size_t>(out.host.begin.at(last)) - begin;
      const auto part = objective.evaluate(first, last, std::span(out.logp).subspan(begin, count),
                                           std::span(out.entropy).subspan(begin, count), threshold);
      out.part_losses.push_back(part.loss);
    }
    model::Coefficients coefficients{.dlogp = {out.result.dlogp.begin(), out.result.dlogp.end()}, .dentropy = {}};
    if (out.settings.entropy_coef != 0) {
      coefficients.dentropy.assign(out.result.dentropy.begin(), out.result.dentropy.end());
    }
    return coefficients;
  });
  return out;
}

void compare_metrics(Comparison& compare, const Json& metrics, const std::string& file, const Evaluated& got) {
  refuse_unknown(metrics, file, {"mean_kl", "mean_entropy", "clip_ratio_low", "clip_ratio_high"});
  const rl::ObjectiveResult& r = got.result;
  // TRL counts every sequence where the ratio is one per sequence, whether or not a token of it counts.
  const double clip_counted = got.settings.ratio == rl::Ratio::sequence || got.settings.ratio == rl::Ratio::sequence_sum
                                  ? static_cast<double>(got.host.samples())
                                  : r.clip_counted;
  const auto metric = [&](const char* name, const char* key, double value) {
    if (metrics.contains(key) && !metrics.at(key).is_null()) compare.number(name, value, metrics.at(key).get<double>());
  };
  metric("mean_kl_abs", "mean_kl", r.kl_sum / r.counted);
  metric("mean_entropy_abs", "mean_entropy", r.entropy_sum / r.counted);
  metric("clip_ratio_low_abs", "clip_ratio_low", r.clip_low / clip_counted);
  metric("clip_ratio_high_abs", "clip_ratio_high", r.clip_high / clip_counted);
}

void check_case(Comparison& compare, model::Transformer& model, const std::filesystem::path& dir,
                const FixtureBatch& batch, const Json& c) {
  const std::string file = (dir / "grpo_cases.json").string();
  const auto expected = Safetensors::open_file(dir / ("grpo_" + c.at("name").get<std::string>() + ".safetensors"));
  model::Learner learner(model, {});
  const Evaluated got = evaluate(learner, batch, c, file);
  const auto rows = batch.all_rows();
  const auto wanted = [&](const char* name) { return batch.unpad(expected.floats(name), rows); };
  const auto masked = [&](std::vector<double> values) {  // only counted tokens are compared
    for (size_t t = 0; t < values.size(); ++t) values[t] *= got.host.mask[t];
    return values;
  };
  std::vector<double> advantage;
  for (int64_t r = 0; r < got.host.samples(); ++r) advantage.push_back(got.host.advantage.at(got.host.begin[r]));
  const auto advantages = expected.floats("advantages");
  compare.loss("loss_abs", got.result.loss, c.at(c.contains("loss_fp64") ? "loss_fp64" : "loss").get<double>());
  compare.numbers("advantages_max", advantage, {advantages.begin(), advantages.end()});
  compare.numbers("mask_max", {got.host.mask.begin(), got.host.mask.end()}, wanted("mask"));
  compare.numbers("logps_max", got.logp, wanted("logps"));
  compare.numbers("entropy_max", got.entropy, wanted("entropy"));
  if (got.settings.kl_in == rl::KlIn::loss) compare.numbers("kl_max", got.result.kl, masked(wanted("kl_k3")));
  compare.numbers("ratio_max", masked(got.result.ratio), masked(wanted("ratio")));
  compare.numbers("per_token_loss_max", got.result.per_token, masked(wanted("per_token_loss")));
  compare.numbers("dloss_dlogps_max", got.result.dlogp, wanted("dloss_dlogps"));
  compare_metrics(compare, c.at("metrics"), file, got);
  if (c.at("has_param_grads").get<bool>()) compare.gradients(learner, expected, "grad.");
}

// The dapo case evaluated in parts whose losses add up to that of the whole.
void check_split(Comparison& compare, model::Transformer& model, const std::filesystem::path& dir,
                 const FixtureBatch& batch, const Json& c, const Json& split) {
  refuse_unknown(split, (dir / "batch.json").string(), {"rows", "losses"});
  model::Learner learner(model, {});
  const auto got = evaluate(learner, batch, c, (dir / "grpo_cases.json").string(),
                            split.at("rows").get<std::vector<std::pair<int64_t, int64_t>>>());
  const auto losses = split.at("losses").get<std::vector<double>>();
  compare.numbers("part_losses_max", got.part_losses, losses);
  double sum = 0;
  for (const double part : got.part_losses) sum += part;
  compare.loss("sum_abs", sum, got.result.loss);
}

}  // namespace

std::vector<RlParityCase> check_grpo_cases(model::Transformer& model, const std::filesystem::path& dir,
                                           const FixtureBatch& batch, const RlParityLimits& limits) {
  const Json cases = read_json(dir / "grpo_cases.json").at("cases");
  constexpr const char* split = "dapo_split_in_two_microbatches";
  std::vector<RlParityCase> results;
  for (const Json& c : cases) {
    results.push_back(run_case(c.at("name").get<std::string>(), limits,
                               [&](Comparison& compare) { check_case(compare, model, dir, batch, c); }));
    if (c.at("name") != "dapo" || !batch.json.contains(split)) continue;
    results.push_back(run_case(
        split, limits, [&](Comparison& compare) { check_split(compare, model, dir, batch, c, batch.json.at(split)); }));
  }
  return results;
}

}  // namespace posttrain::parity
