// From scored groups to the advantages that tokens are trained on, and what the store shows of them.
#include "rl/rollout_batch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::rl {
namespace {

struct Told {
  int tokens;
  double reward;
  bool truncated = false;
  double kl = 0;  // old less reference log-probability of each token
  bool failed = false;
};

// A rollout whose groups hold these answers; every token has log-probability -1.
struct ToldRollout {
  std::vector<rollout::ScoredGroup> groups;
  std::vector<double> ref_logp;

  explicit ToldRollout(const std::vector<std::vector<Told>>& told) {
    for (const auto& answers : told) {
      groups.push_back({.prompt = {1}});
      for (const Told& t : answers) {
        rollout::Answer answer;
        answer.completion.ids.assign(static_cast<size_t>(t.tokens), 3);
        answer.completion.logp.assign(static_cast<size_t>(t.tokens), -1);
        answer.completion.finish = t.truncated ? rollout::Finish::length : rollout::Finish::stop_token;
        answer.outcome.total = t.reward;
        answer.outcome.verdict = t.failed ? Verdict::failed : t.reward > 0 ? Verdict::right : Verdict::wrong;
        groups.back().answers.push_back(answer);
        if (!t.failed) ref_logp.insert(ref_logp.end(), static_cast<size_t>(t.tokens), -1 - t.kl);
      }
    }
  }
  RolloutBatch batch(const ObjectiveSettings& settings, bool mask_truncated = true) const {
    RolloutBatch out(groups, mask_truncated, 16);
    out.objective.ref_logp = ref_logp;
    out.compute_advantages(settings);
    return out;
  }
};

ObjectiveSettings preset(const std::string& name, double beta) {
  auto s = objective_preset(name);
  s.beta = beta;
  return s;
}

// Ten tokens count: mean 0.6, unbiased variance 8/30; (1 - 0.6) / sqrt(0.26667) = 0.7746.
TEST(ReinforcePlusPlus, WhitensOverTheTokensThatCountForAnyBeta) {
  const ToldRollout rollout({{{2, 1}, {8, 0, true}}, {{4, 1}, {4, 0}}});
  for (const double beta : {0.0, 1e-9, 0.01}) {
    const auto batch = rollout.batch(preset("reinforce++", beta));
    EXPECT_NEAR(batch.objective.advantage[0], 0.7746, 1e-4) << beta;
    EXPECT_NEAR(batch.advantage[0], 0.7746, 1e-4) << "what the store shows, beta " << beta;
    EXPECT_EQ(batch.advantage[1], 0) << "masked: trained on nothing";
    EXPECT_NEAR(batch.advantage[2], 0.7746, 1e-4);
    EXPECT_NEAR(batch.advantage[3], -1.1619, 1e-4);
  }
}

TEST(ReinforcePlusPlus, TheBaselineFormTooLeavesMaskedTokensOut) {
  const auto batch = ToldRollout({{{2, 1}, {8, 0, true}}, {{4, 1}, {4, 0}}}).batch(preset("reinforce++_baseline", 0));
  // Centred 0.5, (-0.5), 0.5, -0.5 over 2, 0, 4 and 4 tokens: mean 0.1, squares 6 x 0.16 + 4 x 0.36 = 2.4.
  EXPECT_NEAR(batch.advantage[0], 0.4 / std::sqrt(2.4 / 9), 1e-6);
  EXPECT_NEAR(batch.advantage[3], -0.6 / std::sqrt(2.4 / 9), 1e-6);
}

// verl: a token's return is its own reward (- beta x KL, the outcome at the last) and all that follow.
TEST(ReinforcePlusPlus, ATokensReturnIsTheRewardLessTheKlFromThereOn) {
  constexpr double beta = 0.5;
  const auto batch = ToldRollout({{{3, 1, false, 0.2}, {2, 0, false, -0.4}}}).batch(preset("reinforce++", beta));
  std::vector<double> returns = {1 - beta * 0.6, 1 - beta * 0.4, 1 - beta * 0.2, 0 + beta * 0.8, 0 + beta * 0.4};
  double mean = 0, squares = 0;
  for (const double r : returns) mean += r / 5;
  for (const double r : returns) squares += (r - mean) * (r - mean);
  for (size_t t = 0; t < 5; ++t)
    EXPECT_NEAR(batch.objective.advantage[t], (returns[t] - mean) / std::sqrt(squares / 4 + 1e-8), 1e-9) << t;
  EXPECT_NEAR(batch.advantage[1], (batch.objective.advantage[3] + batch.objective.advantage[4]) / 2, 1e-12);
}

// TRL's RLOOTrainer: reward - beta x sum of (old - ref) over the tokens that count, then less the mean of the others.
TEST(Rloo, TheKlOfTheWholeAnswerIsTakenOffItsReward) {
  const auto batch = ToldRollout({{{3, 1, false, 0.2}, {2, 0, false, -0.5}, {4, 0.5}}}).batch(preset("rloo", 0.1));
  const double r[] = {1 - 0.06, 0 + 0.1, 0.5};
  EXPECT_NEAR(batch.advantage[0], r[0] - (r[1] + r[2]) / 2, 1e-9);
  EXPECT_NEAR(batch.advantage[1], r[1] - (r[0] + r[2]) / 2, 1e-9);
  EXPECT_NEAR(batch.advantage[2], r[2] - (r[0] + r[1]) / 2, 1e-9);
}

TEST(Rloo, AMaskedAnswerStaysInTheBaselineWithoutItsKl) {
  const auto batch = ToldRollout({{{3, 1}, {2, 0, true, 0.5}}}).batch(preset("rloo", 0.1));
  EXPECT_NEAR(batch.objective.advantage[0], 1, 1e-9);
  EXPECT_EQ(batch.advantage[1], 0);
}

TEST(RolloutBatch, GroupsThatDynamicSamplingLeftOutTeachNothingAndMoveNoOther) {
  for (const std::string& name : objective_presets()) {
    const std::vector<Told> kept = {{2, 1}, {3, 0}, {4, 1}, {2, 0}};
    const auto alone = ToldRollout({kept}).batch(preset(name, 0));
    ToldRollout both({kept, {{5, -0.5}, {6, -0.1}, {2, -0.9}, {3, 0}}});
    both.groups[1].left_out = true;
    const auto batch = both.batch(preset(name, 0));
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(batch.advantage[i], alone.advantage[i], 1e-12) << name;
      EXPECT_EQ(batch.advantage[4 + i], 0) << name;
    }
    for (size_t t = 11; t < batch.objective.advantage.size(); ++t) EXPECT_EQ(batch.objective.advantage[t], 0) << name;
    EXPECT_EQ(batch.samples.size(), 8u);
  }
}

TEST(RolloutBatch, AFailedJudgementIsInNoTokenOfTheBatch) {
  const auto batch = ToldRollout({{{2, 1}, {3, 9, false, 0, true}, {4, 0}}}).batch(preset("grpo", 0));
  EXPECT_EQ(batch.samples.size(), 2u);
  EXPECT_EQ(batch.objective.tokens(), 6);
  EXPECT_EQ(batch.advantage[1], 0);
  EXPECT_NEAR(batch.advantage[0], 0.5 / (std::sqrt(0.5) + 1e-4), 1e-12);
  EXPECT_NEAR(batch.advantage[2], -batch.advantage[0], 1e-12);
}

}  // namespace
}  // namespace posttrain::rl
