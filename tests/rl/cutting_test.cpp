// Gradients and losses of a rollout do not depend on micro-batches, and odd groups leave them finite.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "rl/policy_update.h"

namespace posttrain::rl {
namespace {

constexpr int64_t no_limit = 1 << 20;

struct Policy {
  std::unique_ptr<nn::Backend> backend = nn::make_cpu_backend();
  model::Transformer model{*backend, model::llama_arch(40, 16, 2, 2, 2, 32, true), DType::f32, nn::Use::training};
  Policy() { model.init_random(3, {1.0, 1.0, 0.5}); }
};

std::vector<int32_t> random_ids(Rng& rng, int64_t count) {
  std::vector<int32_t> ids;
  for (; count > 0; --count) ids.push_back(static_cast<int32_t>(rng.integer(0, 39)));
  return ids;
}

struct Sampled {
  double reward;
  int64_t tokens;
  bool truncated = false;
};

// Groups of answers with these rewards, as drawn from a policy a little away from the present one.
std::vector<rollout::ScoredGroup> groups_of(const std::vector<std::vector<Sampled>>& wanted, Policy& policy) {
  Rng rng({77});
  std::vector<rollout::ScoredGroup> groups(wanted.size());
  for (size_t g = 0; g < wanted.size(); ++g) {
    groups[g].prompt = random_ids(rng, 3 + static_cast<int64_t>(g));
    for (const Sampled& s : wanted[g]) {
      rollout::Answer answer;
      answer.completion.ids = random_ids(rng, s.tokens);
      answer.completion.finish = s.truncated ? rollout::Finish::length : rollout::Finish::stop_token;
      answer.outcome.total = s.reward;
      answer.outcome.verdict = s.reward > 0 ? Verdict::right : Verdict::wrong;
      groups[g].answers.push_back(answer);
    }
  }
  for (auto& group : groups) {
    for (auto& answer : group.answers) {
      rollout::Completion& c = answer.completion;
      const rollout::TrainSample sample{&group.prompt, &c};
      if (c.ids.empty()) continue;
      const auto scores = policy.model.score(rollout::pack_samples(std::span(&sample, 1), 1));
      for (const float logp : scores.logp) c.logp.push_back(logp + static_cast<float>(0.1 * rng.normal()));
      c.entropy = scores.entropy;
    }
  }
  return groups;
}

// A rollout made ready for training; the policy, its groups and the batch that points into them.
struct Ready {
  Policy policy;
  std::vector<rollout::ScoredGroup> groups;
  RolloutBatch batch;

  Ready(const std::vector<std::vector<Sampled>>& wanted, const ObjectiveSettings& objective, bool mask_truncated)
      : groups(groups_of(wanted, policy)), batch(groups, mask_truncated, 16) {
    Policy reference;
    reference.model.init_random(4, {1.0, 1.0, 0.5});
    batch.score_reference(reference.model, 1, no_limit);
    batch.compute_advantages(objective);
  }
};

UpdateMetrics update(const std::vector<std::vector<Sampled>>& wanted, const ObjectiveSettings& objective,
                     int64_t micro_batch_tokens, bool mask_truncated = false) {
  Ready ready(wanted, objective, mask_truncated);
  model::Learner learner(ready.policy.model, {});
  return update_policy(learner, ready.batch, objective,
                       {.micro_batch_tokens = micro_batch_tokens, .temperature = 1, .lr = 1e-3},
                       [](const char*, int64_t, int64_t, int64_t) {});
}

// Every gradient of the whole rollout, one after another, accumulated over micro-batches.
std::vector<float> gradients(const ObjectiveSettings& settings, int64_t micro_batch_tokens,
                             const std::vector<std::vector<Sampled>>& wanted) {
  Ready ready(wanted, settings, false);
  model::Learner learner(ready.policy.model, {});
  const auto& samples = ready.batch.samples;
  const Objective objective(settings, ready.batch.objective);
  for (const auto& [first, last] : rollout::micro_batches(samples, micro_batch_tokens)) {
    const auto packed = rollout::pack_samples(std::span(samples).subspan(first, last - first), 1);
    learner.accumulate(packed, [&](const model::Scores& scores) {
      const std::vector<double> logp(scores.logp.begin(), scores.logp.end());
      const auto result = objective.evaluate(static_cast<int64_t>(first), static_cast<int64_t>(last), logp, {},
                                             -std::numeric_limits<double>::infinity());
      return model::Coefficients{.dlogp = {result.dlogp.begin(), result.dlogp.end()}, .dentropy = {}};
    });
  }
  std::vector<float> all;
  for (const char* name :
       {"model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.v_proj.weight",
        "model.layers.0.mlp.down_proj.weight", "model.layers.1.mlp.gate_proj.weight", "model.norm.weight"}) {
    const auto one = learner.gradient(name);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

std::vector<std::vector<Sampled>> ordinary_groups() {
  return {{{1, 5}, {0, 9}, {0.5, 3}, {1, 12}}, {{0, 4}, {0, 6}, {1, 2}, {0, 8}}, {{1, 3}, {1, 3}, {1, 7}, {1, 5}}};
}

TEST(Cutting, LossAndGradientNormAreEqualToOneInAMillionForEveryPreset) {
  for (const auto& preset : objective_presets()) {
    const auto objective = objective_preset(preset);
    const auto whole = update(ordinary_groups(), objective, no_limit);
    EXPECT_GT(whole.grad_norm, 0) << preset;
    for (const int64_t tokens : {1, 20, 33, 60}) {
      const auto cut = update(ordinary_groups(), objective, tokens);
      EXPECT_NEAR(cut.loss, whole.loss, 1e-6 * std::fabs(whole.loss) + 1e-9) << preset;
      EXPECT_NEAR(cut.grad_norm / whole.grad_norm, 1, 1e-6) << preset << " " << tokens;
    }
  }
}

TEST(Cutting, EveryGradientIsEqualToOneInAMillion) {
  for (const char* preset : {"r1-zero", "grpo", "dapo", "gspo", "dr_grpo", "v3.2"}) {
    const auto whole = gradients(objective_preset(preset), no_limit, ordinary_groups());
    for (const int64_t tokens : {1, 33}) {
      const auto cut = gradients(objective_preset(preset), tokens, ordinary_groups());
      double difference = 0, size = 0;
      for (size_t i = 0; i < whole.size(); ++i) {
        difference += std::pow(double{whole[i]} - double{cut[i]}, 2);
        size += std::pow(double{whole[i]}, 2);
      }
      ASSERT_GT(size, 0) << preset;
      EXPECT_LT(std::sqrt(difference / size), 1e-6) << preset << " " << tokens;
    }
  }
}

// The groups that break implementations.
struct OddCase {
  const char* name;
  std::vector<std::vector<Sampled>> groups;
};

std::vector<OddCase> odd_cases() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {{"no spread", {{{1, 4}, {1, 5}, {1, 6}, {1, 7}}}},
          {"one odd answer", {{{0, 4}, {0, 5}, {0, 6}, {1, 7}}}},
          {"groups of one", {{{1, 4}}, {{0, 5}}}},
          {"all truncated", {{{0, 4, true}, {1, 5, true}, {0, 6, true}}}},
          {"empty completions", {{{0, 0}, {1, 0}, {0, 3}}}},
          {"nothing but empty completions", {{{0, 0}, {1, 0}}}},
          {"a reward that is no number", {{{nan, 4}, {1, 5}, {0, 6}}}},
          {"nothing but such rewards", {{{nan, 4}, {nan, 5}}, {{1, 3}, {0, 3}}}}};
}

TEST(OddGroups, LeaveEveryPresetFiniteWithAndWithoutTheTruncationMask) {
  for (const auto& preset : objective_presets()) {
    for (const OddCase& odd : odd_cases()) {
      for (const bool mask : {false, true}) {
        const auto result = update(odd.groups, objective_preset(preset), no_limit, mask);
        EXPECT_TRUE(std::isfinite(result.loss)) << preset << ", " << odd.name;
        EXPECT_TRUE(std::isfinite(result.grad_norm)) << preset << ", " << odd.name;
      }
    }
  }
}

TEST(OddGroups, WithoutSpreadAndWithoutKlNothingIsRunAtAll) {
  const auto result = update({{{1, 4}, {1, 5}}, {{0, 3}, {0, 6}}}, objective_preset("dapo"), no_limit);
  EXPECT_EQ(result.rows, 0);
  EXPECT_EQ(result.optimizer_steps, 0);
}

TEST(OddGroups, AnEmptyAnswerChangesNothingForTheTokensOfTheOthers) {
  auto objective = objective_preset("dapo");
  objective.advantage = Advantage::leave_one_out;
  const auto with = update({{{1, 4}, {0, 5}, {0.5, 0}}}, objective, no_limit);
  EXPECT_GT(with.grad_norm, 0);
  EXPECT_EQ(with.counted, 9);
}

}  // namespace
}  // namespace posttrain::rl
