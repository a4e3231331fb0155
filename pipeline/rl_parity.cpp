#include "pipeline/rl_parity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"
#include "model/learner.h"
#include "model/safetensors.h"
#include "rl/advantage.h"
#include "rl/batch.h"
#include "rl/objective.h"
#include "sft/preference.h"

namespace posttrain::pipeline {
namespace {

// The fixture's batch: answers of different lengths in padded rows.
struct Batch {
  std::vector<std::vector<int32_t>> prompts;
  std::vector<rollout::Completion> completions;
  std::vector<double> rewards;
  std::vector<bool> truncated;
  int64_t group_size = 1, width = 0;
  std::vector<float> old_logps, ref_logps;  // [rows, width]

  explicit Batch(const std::filesystem::path& dir) {
    const Json json = read_json(dir / "batch.json");
    const auto tensors = model::Safetensors::open_file(dir / "batch.safetensors");
    group_size = json.at("num_generations").get<int64_t>();
    prompts = json.at("prompts").get<std::vector<std::vector<int32_t>>>();
    rewards = json.at("rewards").get<std::vector<double>>();
    truncated = json.at("truncated").get<std::vector<bool>>();
    for (const auto& ids : json.at("completions").get<std::vector<std::vector<int32_t>>>()) {
      completions.push_back({.ids = ids});
    }
    width = tensors.entry("completion_mask").shape.at(1);
    old_logps = tensors.floats("old_logps");
    ref_logps = tensors.floats("ref_logps");
  }

  std::vector<rl::TrainSample> samples(std::span<const int64_t> rows) const {
    std::vector<rl::TrainSample> out;
    for (const int64_t r : rows) out.push_back({&prompts.at(r / group_size), &completions.at(r)});
    return out;
  }
  std::vector<int64_t> all_rows() const {
    std::vector<int64_t> rows;
    for (int64_t r = 0; r < std::ssize(completions); ++r) rows.push_back(r);
    return rows;
  }
  // The values of a padded [rows, width] tensor at the answers' tokens, laid end to end.
  std::vector<double> unpad(const std::vector<float>& padded) const {
    std::vector<double> out;
    for (int64_t r = 0; r < std::ssize(completions); ++r) {
      for (int64_t t = 0; t < std::ssize(completions[r].ids); ++t) out.push_back(padded.at(r * width + t));
    }
    return out;
  }
};

class Comparison {
 public:
  Comparison(RlParityCase& result, const RlParityLimits& limits) : result_(result), limits_(limits) {}

  void loss(const char* name, double got, double expected) {
    record(name, std::fabs(got - expected), limits_.loss + limits_.loss_relative * std::fabs(expected));
  }
  void number(const char* name, double got, double expected) {
    record(name, std::fabs(got - expected), limits_.value * (1 + std::fabs(expected)));
  }
  void numbers(const char* name, const std::vector<double>& got, const std::vector<double>& expected) {
    double worst = got.size() == expected.size() ? 0 : std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
      worst = std::max(worst, std::fabs(got[i] - expected[i]) / (1 + std::fabs(expected[i])));
    }
    record(name, worst, limits_.value);
  }
  // ||g - g_ref|| / ||g_ref|| of every tensor named <prefix><parameter>.
  void gradients(const model::Learner& learner, const model::Safetensors& expected, const std::string& prefix) {
    double worst = 0;
    std::string worst_name;
    for (const std::string& name : expected.names()) {
      if (!name.starts_with(prefix)) continue;
      const auto want = expected.floats(name);
      const auto got = learner.gradient(name.substr(prefix.size()));
      double difference = 0, size = 0;
      for (size_t i = 0; i < want.size(); ++i) {
        difference += (double{got.at(i)} - want[i]) * (double{got[i]} - want[i]);
        size += double{want[i]} * want[i];
      }
      const double relative = size > 0 ? std::sqrt(difference / size) : (difference > 0 ? INFINITY : 0);
      if (relative >= worst) {
        worst = relative;
        worst_name = name.substr(prefix.size());
      }
    }
    record("grad_rel_l2_worst", worst, limits_.gradient);
    result_.differences["grad_worst_name"] = worst_name;
  }

 private:
  void record(const char* name, double difference, double limit) {
    result_.differences[name] = difference;
    result_.pass = result_.pass && difference <= limit;  // false for NaN
  }
  RlParityCase& result_;
  const RlParityLimits& limits_;
};

rl::ObjectiveSettings settings_of(const Json& c) {
  auto s = rl::objective_preset("grpo");
  const auto loss_type = c.at("loss_type").get<std::string>(), scale = c.at("scale_rewards").get<std::string>();
  s.beta = c.at("beta").get<double>();
  s.clip_low = c.at("epsilon_low").get<double>();
  s.clip_high = c.at("epsilon_high").get<double>();
  s.ratio_cap = c.at("delta").is_null() ? 0 : c.at("delta").get<double>();
  s.ratio = c.at("importance_sampling_level").get<std::string>();
  s.kl = c.at("use_bias_correction_kl").get<bool>() ? "unbiased" : "k3";
  s.advantage = scale == "none" ? "centred" : "group";
  s.std_scope = scale == "batch" ? "batch" : "group";
  if (loss_type == "cispo" || loss_type == "sapo") s.clip = loss_type;
  if (loss_type == "dr_grpo") s.aggregation = "constant";
  if (loss_type == "bnpo" || loss_type == "dapo" || loss_type == "cispo") s.aggregation = "token_mean";
  return s;
}

rl::ObjectiveBatch objective_batch(const Batch& batch, const rl::ObjectiveSettings& settings, const Json& c) {
  std::vector<rl::ScoredSample> scored;
  rl::ObjectiveBatch out;
  out.begin.push_back(0);
  out.max_completion_tokens = c.at("max_completion_length").get<double>();
  const bool mask_truncated = c.at("mask_truncated").get<bool>();
  for (int64_t r = 0; r < std::ssize(batch.completions); ++r) {
    const auto group = static_cast<int32_t>(r / batch.group_size);
    const size_t length = batch.completions[r].ids.size();
    scored.push_back(
        {.group = group, .reward = static_cast<float>(batch.rewards[r]), .length = static_cast<double>(length)});
    out.begin.push_back(out.begin.back() + static_cast<int64_t>(length));
    out.group.push_back(group);
    out.mask.insert(out.mask.end(), length, mask_truncated && batch.truncated[r] ? 0 : 1);
  }
  const auto advantage = rl::advantages(settings, scored);
  for (size_t r = 0; r < advantage.size(); ++r) {
    out.advantage.insert(out.advantage.end(), batch.completions[r].ids.size(), advantage[r]);
  }
  out.old_logp = batch.unpad(batch.old_logps);
  out.ref_logp = batch.unpad(batch.ref_logps);
  return out;
}

RlParityCase check_grpo(model::Transformer& transformer, const std::filesystem::path& dir, const Batch& batch,
                        const Json& c, const RlParityLimits& limits) {
  RlParityCase result{.name = c.at("name").get<std::string>()};
  Comparison compare(result, limits);
  const auto expected = model::Safetensors::open_file(dir / ("grpo_" + result.name + ".safetensors"));
  const auto settings = settings_of(c);
  const auto host = objective_batch(batch, settings, c);
  const rl::Objective objective(settings, host);
  model::Learner learner(transformer, {});
  rl::ObjectiveResult got;
  std::vector<double> logp, entropy;
  const auto rows = batch.all_rows();
  learner.accumulate(
      rl::pack_samples(batch.samples(rows), c.at("temperature").get<double>()), [&](const model::Scores& scores) {
        logp.assign(scores.logp.begin(), scores.logp.end());
        entropy.assign(scores.entropy.begin(), scores.entropy.end());
        got = objective.evaluate(0, host.samples(), logp, entropy, -std::numeric_limits<double>::infinity());
        return model::Coefficients{.dlogp = {got.dlogp.begin(), got.dlogp.end()}, .dentropy = {}};
      });

  std::vector<double> advantage;
  for (int64_t r = 0; r < host.samples(); ++r) advantage.push_back(host.advantage.at(host.begin[r]));
  const auto masked = [&](std::vector<double> values) {  // only counted tokens are compared
    for (size_t t = 0; t < values.size(); ++t) values[t] *= host.mask[t];
    return values;
  };
  const auto advantages = expected.floats("advantages");
  compare.loss("loss_abs", got.loss, c.at("loss_fp64").get<double>());
  compare.numbers("advantages_max", advantage, {advantages.begin(), advantages.end()});
  compare.numbers("logps_max", logp, batch.unpad(expected.floats("logps")));
  compare.numbers("entropy_max", entropy, batch.unpad(expected.floats("entropy")));
  compare.numbers("kl_max", got.kl, masked(batch.unpad(expected.floats("kl_k3"))));
  compare.numbers("ratio_max", masked(got.ratio), masked(batch.unpad(expected.floats("ratio"))));
  compare.numbers("per_token_loss_max", got.per_token, masked(batch.unpad(expected.floats("per_token_loss"))));
  compare.numbers("dloss_dlogps_max", got.dlogp, batch.unpad(expected.floats("dloss_dlogps")));
  const Json& metrics = c.at("metrics");
  compare.number("mean_kl_abs", got.kl_sum / got.counted, metrics.at("mean_kl").get<double>());
  compare.number("mean_entropy_abs", got.entropy_sum / got.counted, metrics.at("mean_entropy").get<double>());
  if (!metrics.at("clip_ratio_low").is_null()) {
    compare.number("clip_ratio_low_abs", got.clip_low / got.clip_counted, metrics.at("clip_ratio_low").get<double>());
    compare.number("clip_ratio_high_abs", got.clip_high / got.clip_counted,
                   metrics.at("clip_ratio_high").get<double>());
  }
  if (c.at("has_param_grads").get<bool>()) compare.gradients(learner, expected, "grad.");
  return result;
}

// Pairs of answers with their summed log-probabilities under the policy.
std::vector<sft::PreferencePair> preference_pairs(const Batch& batch, const Json& dpo, std::span<const float> chosen,
                                                  std::span<const float> rejected) {
  std::vector<sft::PreferencePair> pairs;
  const auto ref_chosen = dpo.at("ref_chosen_logps").get<std::vector<double>>();
  const auto ref_rejected = dpo.at("ref_rejected_logps").get<std::vector<double>>();
  const auto chosen_rows = dpo.at("chosen_rows").get<std::vector<int64_t>>();
  const auto rejected_rows = dpo.at("rejected_rows").get<std::vector<int64_t>>();
  size_t c = 0, r = 0;
  for (size_t i = 0; i < chosen_rows.size(); ++i) {
    sft::PreferencePair pair{.ref_chosen = ref_chosen.at(i), .ref_rejected = ref_rejected.at(i)};
    pair.chosen_tokens = static_cast<double>(batch.completions.at(chosen_rows[i]).ids.size());
    pair.rejected_tokens = static_cast<double>(batch.completions.at(rejected_rows.at(i)).ids.size());
    for (double n = 0; n < pair.chosen_tokens; ++n) pair.chosen += chosen[c++];
    for (double n = 0; n < pair.rejected_tokens; ++n) pair.rejected += rejected[r++];
    pairs.push_back(pair);
  }
  return pairs;
}

std::vector<RlParityCase> check_dpo(model::Transformer& transformer, const std::filesystem::path& dir,
                                    const Batch& batch, const RlParityLimits& limits) {
  const Json dpo = read_json(dir / "dpo.json");
  const auto chosen_rows = dpo.at("chosen_rows").get<std::vector<int64_t>>();
  const auto rejected_rows = dpo.at("rejected_rows").get<std::vector<int64_t>>();
  std::vector<int64_t> rows = chosen_rows;
  rows.insert(rows.end(), rejected_rows.begin(), rejected_rows.end());
  std::vector<RlParityCase> results;
  for (const auto& [name, expected_loss] : dpo.at("losses").items()) {
    RlParityCase result{.name = "dpo_" + name};
    Comparison compare(result, limits);
    sft::PreferenceSettings settings{.kind = name.starts_with("robust") ? "sigmoid" : name,
                                     .beta = dpo.at("beta").get<double>()};
    if (name.starts_with("robust_ls")) settings.label_smoothing = std::stod(name.substr(9));
    model::Learner learner(transformer, {});
    double loss = 0;
    std::vector<double> chosen_rewards, rejected_rewards;
    learner.accumulate(rl::pack_samples(batch.samples(rows), 1), [&](const model::Scores& scores) {
      size_t chosen_tokens = 0;
      for (const int64_t r : chosen_rows) chosen_tokens += batch.completions.at(r).ids.size();
      const std::span<const float> logp(scores.logp);
      const auto pairs = preference_pairs(batch, dpo, logp.first(chosen_tokens), logp.subspan(chosen_tokens));
      model::Coefficients out;
      std::vector<float> rejected;
      for (const auto& pair : pairs) {
        const auto l = sft::preference_loss(settings, pair);
        const auto n = static_cast<double>(pairs.size());
        loss += l.value / n;
        chosen_rewards.push_back(l.reward_chosen);
        rejected_rewards.push_back(l.reward_rejected);
        out.dlogp.insert(out.dlogp.end(), static_cast<size_t>(pair.chosen_tokens), static_cast<float>(l.dchosen / n));
        rejected.insert(rejected.end(), static_cast<size_t>(pair.rejected_tokens), static_cast<float>(l.drejected / n));
      }
      out.dlogp.insert(out.dlogp.end(), rejected.begin(), rejected.end());
      return out;
    });
    compare.loss("loss_abs", loss, expected_loss.get<double>());
    compare.numbers("rewards_chosen_max", chosen_rewards, dpo.at("rewards_chosen").get<std::vector<double>>());
    compare.numbers("rewards_rejected_max", rejected_rewards, dpo.at("rewards_rejected").get<std::vector<double>>());
    if (name == "sigmoid") compare.gradients(learner, model::Safetensors::open_file(dir / "dpo_grads.safetensors"), "");
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace

std::string RlParityCase::to_json() const {
  Json line = {{"case", name}, {"pass", pass}};
  for (const auto& [key, value] : differences.items()) line[key] = value;
  return to_line(line);
}

std::vector<RlParityCase> check_rl_parity(nn::Backend& backend, const std::filesystem::path& dir,
                                          const RlParityLimits& limits) {
  const auto transformer = model::Transformer::load(backend, dir / "model", nn::DType::f32, nn::Use::training);
  const Batch batch(dir);
  std::vector<RlParityCase> results;
  const Json grpo = read_json(dir / "grpo_cases.json");
  for (const Json& c : grpo.at("cases")) {
    results.push_back(check_grpo(*transformer, dir, batch, c, limits));
  }
  auto dpo = check_dpo(*transformer, dir, batch, limits);
  results.insert(results.end(), std::make_move_iterator(dpo.begin()), std::make_move_iterator(dpo.end()));
  return results;
}

}  // namespace posttrain::pipeline
