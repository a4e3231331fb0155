// Advantages, losses and slopes against verl's and TRL's own functions (scripts/make_objective_goldens.py ran them).
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "rl/rollout_batch.h"

namespace posttrain::rl {
namespace {

constexpr double tolerance = 1e-7;  // verl adds 1e-8 to its divisors
using Rows = std::vector<std::vector<double>>;

std::vector<double> flat(const Rows& rows) {
  std::vector<double> out;
  for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
  return out;
}

class Golden : public testing::Test {
 protected:
  void SetUp() override {
    cases_ = Json::parse(read_file(POSTTRAIN_SOURCE_DIR "/tests/rl/goldens/objectives.json")).at("cases");
    ASSERT_EQ(cases_.size(), 6u);
  }
  Json cases_;
};

void expect_near(const std::vector<double>& got, const std::vector<double>& expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << what << " " << i;
}

std::vector<ScoredSample> samples_of(const Json& c) {
  const auto rewards = c.at("reward").get<std::vector<double>>();
  const auto groups = c.at("group").get<std::vector<int32_t>>();
  const auto logp = c.at("logp").get<Rows>();
  std::vector<ScoredSample> out;
  for (size_t i = 0; i < rewards.size(); ++i)
    out.push_back({.group = groups[i], .reward = rewards[i], .length = static_cast<double>(logp[i].size())});
  return out;
}

TEST_F(Golden, AdvantagesOfAnswersAreVerls) {
  for (const Json& c : cases_) {
    const auto expect = [&](Advantage kind, const char* theirs) {
      auto s = objective_preset("grpo");
      s.advantage = kind;
      s.std_convention = StdConvention::verl;
      expect_near(advantages(s, samples_of(c)), c.at("advantage").at(theirs).get<std::vector<double>>(), theirs);
    };
    expect(Advantage::group, "verl_group");
    expect(Advantage::centred, "verl_centred");
    expect(Advantage::leave_one_out, "verl_rloo");
    expect(Advantage::opo, "verl_opo");
    expect(Advantage::reinforce_pp_baseline, "verl_reinforce_pp_baseline");
  }
}

// The case as a rollout with its log-probabilities in full precision.
struct Rolled {
  std::vector<rollout::ScoredGroup> groups;
  RolloutBatch batch;

  explicit Rolled(const Json& c) : groups(groups_of(c)), batch(groups, false, 6) {
    batch.objective.old_logp = flat(c.at("old_logp").get<Rows>());
    batch.objective.ref_logp = flat(c.at("ref_logp").get<Rows>());
  }
  static std::vector<rollout::ScoredGroup> groups_of(const Json& c) {
    std::vector<rollout::ScoredGroup> out;
    for (const ScoredSample& s : samples_of(c)) {
      if (static_cast<size_t>(s.group) == out.size()) out.emplace_back();
      rollout::Answer answer;
      answer.completion.ids.assign(static_cast<size_t>(s.length), 1);
      answer.completion.logp.assign(static_cast<size_t>(s.length), -1);
      answer.outcome.total = s.reward;
      out.back().answers.push_back(answer);
    }
    return out;
  }
};

TEST_F(Golden, ReinforcePlusPlusWithAndWithoutKlIsVerls) {
  for (const Json& c : cases_) {
    for (const auto& [beta, theirs] :
         {std::pair(0.0, "verl_reinforce_pp_beta_0.0"), std::pair(0.1, "verl_reinforce_pp_beta_0.1")}) {
      Rolled rolled(c);
      auto s = objective_preset("reinforce++");
      s.beta = beta;
      rolled.batch.compute_advantages(s);
      expect_near(rolled.batch.objective.advantage, flat(c.at("token_advantage").at(theirs).get<Rows>()), theirs);
    }
  }
}

TEST_F(Golden, RlooAdvantagesWithAndWithoutKlAreTrls) {
  for (const Json& c : cases_) {
    for (const auto& [beta, theirs] : {std::pair(0.0, "trl_rloo_beta_0.0"), std::pair(0.1, "trl_rloo_beta_0.1")}) {
      Rolled rolled(c);
      auto s = objective_preset("rloo");
      s.beta = beta;
      rolled.batch.compute_advantages(s);
      expect_near(rolled.batch.advantage, c.at("advantage").at(theirs).get<std::vector<double>>(), theirs);
    }
  }
}

// Loss and slopes with advantages that were drawn.
ObjectiveResult expect_objective(const Json& c, const std::string& theirs, const ObjectiveSettings& s,
                                 bool without_policy = false) {
  Rolled rolled(c);
  const auto drawn = c.at("drawn_advantage").get<std::vector<double>>();
  auto& batch = rolled.batch.objective;
  for (size_t i = 0; i < drawn.size(); ++i)
    batch.advantage.insert(batch.advantage.end(), static_cast<size_t>(batch.begin[i + 1] - batch.begin[i]),
                           without_policy ? 0 : drawn[i]);
  auto result = Objective(s, batch).evaluate(0, batch.samples(), flat(c.at("logp").get<Rows>()), {}, -INFINITY);
  const Json& expected = c.at("objective").at(theirs);
  EXPECT_NEAR(result.loss, expected.at("loss").get<double>(), tolerance) << theirs;
  expect_near(result.dlogp, flat(expected.at("dlogp").get<Rows>()), theirs);
  return result;
}

TEST_F(Golden, RlooLossSlopesAndClipCountsAreTrls) {
  for (const Json& c : cases_) {
    auto s = objective_preset("rloo");
    s.beta = 0;
    const auto result = expect_objective(c, "trl_rloo", s);
    const Json& expected = c.at("objective").at("trl_rloo");
    EXPECT_NEAR(result.clip_low / result.clip_counted, expected.at("clip_low").get<double>(), 1e-6);
    EXPECT_NEAR(result.clip_high / result.clip_counted, expected.at("clip_high").get<double>(), 1e-6);
  }
}

TEST_F(Golden, DualClipUnderFourAggregationsIsVerls) {
  for (const Json& c : cases_) {
    for (const auto& [mode, ours] :
         {std::pair("token-mean", Aggregation::token_mean), std::pair("seq-mean-token-sum", Aggregation::sequence_sum),
          std::pair("seq-mean-token-mean", Aggregation::sequence_mean),
          std::pair("seq-mean-token-sum-norm", Aggregation::constant)}) {
      auto s = objective_preset("dapo");
      s.dual_clip = 1.4;
      s.aggregation = ours;
      expect_objective(c, std::string("verl_ppo_dual_clip ") + mode, s);
    }
  }
}

TEST_F(Golden, KlInTheLossIsVerls) {
  for (const Json& c : cases_) {
    for (const auto& [theirs, ours] :
         {std::pair("verl_kl k1+", Kl::k1), std::pair("verl_kl k2", Kl::k2), std::pair("verl_kl k3", Kl::k3)}) {
      auto s = objective_preset("dapo");
      s.beta = 1;
      s.kl = ours;
      expect_objective(c, theirs, s, true);
    }
  }
}

}  // namespace
}  // namespace posttrain::rl
