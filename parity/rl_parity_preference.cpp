// Preference losses against TRL's DPO.
#include "base/error.h"
#include "parity/rl_fixture.h"
#include "sft/preference.h"

namespace posttrain::parity {
namespace {

struct Pairs {
  std::vector<int64_t> chosen, rejected;  // rows of the batch
  std::vector<double> ref_chosen, ref_rejected;
  double beta;

  explicit Pairs(const Json& dpo)
      : chosen(dpo.at("chosen_rows").get<std::vector<int64_t>>()),
        rejected(dpo.at("rejected_rows").get<std::vector<int64_t>>()),
        ref_chosen(dpo.at("ref_chosen_logps").get<std::vector<double>>()),
        ref_rejected(dpo.at("ref_rejected_logps").get<std::vector<double>>()),
        beta(dpo.at("beta").get<double>()) {}
  // Chosen answers first.
  std::vector<int64_t> rows() const {
    std::vector<int64_t> all = chosen;
    all.insert(all.end(), rejected.begin(), rejected.end());
    return all;
  }
};

// "sigmoid", "ipo", ...; "<kind>_ls0.1" with label smoothing. TRL's name for a smoothed sigmoid is "robust".
sft::PreferenceSettings settings_of(const std::string& name, double beta, const std::string& file) {
  const size_t smoothing = name.find("_ls");
  std::string kind = name.substr(0, smoothing);
  if (kind == "robust" || kind == "cdpo") kind = "sigmoid";
  const auto known = from_name<sft::PreferenceKind>(kind);
  sft::PreferenceSettings s{.kind = known.value_or(sft::PreferenceKind::orpo), .beta = beta};
  if (smoothing != std::string::npos) s.label_smoothing = std::stod(name.substr(smoothing + 3));
  using enum sft::PreferenceKind;
  if (s.kind != sigmoid && s.kind != hinge && s.kind != ipo) {
    throw Error(file, "losses", "sigmoid, hinge, ipo or robust_ls<smoothing>", "\"" + name + "\"");
  }
  return s;
}

void check_case(Comparison& compare, model::Transformer& model, const std::filesystem::path& dir,
                const FixtureBatch& batch, const Json& dpo, const std::string& name) {
  const std::string file = (dir / "dpo.json").string();
  refuse_unknown(dpo, file,
                 {"beta", "chosen_rows", "rejected_rows", "chosen_logps", "rejected_logps", "ref_chosen_logps",
                  "ref_rejected_logps", "rewards_chosen", "rewards_rejected", "accuracy", "losses"});
  const Pairs pairs(dpo);
  const auto settings = settings_of(name, pairs.beta, file);
  const auto rows = pairs.rows();
  const auto mask = [&](size_t row) { return batch.mask.begin() + rows[row] * batch.width; };
  const size_t count = pairs.chosen.size();
  std::vector<double> logps(rows.size(), 0), tokens(rows.size(), 0);
  std::vector<double> chosen_rewards, rejected_rewards;
  double loss = 0, right = 0;
  model::Learner learner(model, {});
  learner.accumulate(rollout::pack_samples(batch.samples(rows), 1), [&](const model::Scores& scores) {
    const auto each_token = [&](const auto& use) {
      size_t at = 0;
      for (size_t row = 0; row < rows.size(); ++row) {
        for (size_t t = 0; t < batch.completions.at(rows[row]).ids.size(); ++t) use(row, at++, mask(row)[t]);
      }
    };
    each_token([&](size_t row, size_t at, float counts) {
      logps[row] += double{counts * scores.logp[at]};
      tokens[row] += double{counts};
    });
    std::vector<double> slope(rows.size());
    for (size_t i = 0; i < count; ++i) {
      const auto l = sft::preference_loss(settings, {.chosen = logps[i],
                                                     .rejected = logps[count + i],
                                                     .ref_chosen = pairs.ref_chosen.at(i),
                                                     .ref_rejected = pairs.ref_rejected.at(i),
                                                     .chosen_tokens = tokens[i],
                                                     .rejected_tokens = tokens[count + i]});
      const auto n = static_cast<double>(count);
      loss += l.value / n;
      slope[i] = l.dchosen / n;
      slope[count + i] = l.drejected / n;
      chosen_rewards.push_back(l.reward_chosen);
      rejected_rewards.push_back(l.reward_rejected);
      right += (l.reward_chosen > l.reward_rejected) / n;
    }
    model::Coefficients out{.dlogp = std::vector<float>(scores.logp.size()), .dentropy = {}};
    each_token([&](size_t row, size_t at, float counts) { out.dlogp[at] = counts * static_cast<float>(slope[row]); });
    return out;
  });
  const auto wanted = [&](const char* field) { return dpo.at(field).get<std::vector<double>>(); };
  const auto middle = logps.begin() + static_cast<ptrdiff_t>(count);
  compare.loss("loss_abs", loss, dpo.at("losses").at(name).get<double>());
  compare.numbers("chosen_logps_max", {logps.begin(), middle}, wanted("chosen_logps"));
  compare.numbers("rejected_logps_max", {middle, logps.end()}, wanted("rejected_logps"));
  compare.numbers("rewards_chosen_max", chosen_rewards, wanted("rewards_chosen"));
  compare.numbers("rewards_rejected_max", rejected_rewards, wanted("rewards_rejected"));
  compare.number("accuracy_abs", right, dpo.at("accuracy").get<double>());
  const auto gradients = dir / "dpo_grads.safetensors";
  if (name == "sigmoid" && std::filesystem::exists(gradients)) {
    compare.gradients(learner, Safetensors::open_file(gradients), "");
  }
}

}  // namespace

std::vector<RlParityCase> check_preference_cases(model::Transformer& model, const std::filesystem::path& dir,
                                                 const FixtureBatch& batch, const RlParityLimits& limits) {
  const Json dpo = read_json(dir / "dpo.json");
  std::vector<RlParityCase> results;
  for (const auto& [name, expected] : dpo.at("losses").items()) {
    results.push_back(run_case("dpo_" + name, limits, [&, &name = name](Comparison& compare) {
      check_case(compare, model, dir, batch, dpo, name);
    }));
  }
  return results;
}

}  // namespace posttrain::parity
