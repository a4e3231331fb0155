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

// What an update reports and the weights that it leaves.
struct Updated : UpdateMetrics {
  std::vector<float> weights;
};

Updated update(const std::vector<std::vector<Sampled>>& wanted, const ObjectiveSettings& objective,
               int64_t micro_batch_tokens, bool mask_truncated = false, const UpdateSettings& passes = {},
               const model::OptimizerSettings& optimizer = {}) {
  Ready ready(wanted, objective, mask_truncated);
  model::Learner learner(ready.policy.model, optimizer);
  UpdateSettings settings = passes;
  settings.micro_batch_tokens = micro_batch_tokens;
  settings.lr = 1e-3;
  Updated out{update_policy(learner, ready.batch, objective, settings, [](const char*, int64_t, int64_t, int64_t) {}),
              {}};
  const model::Weights& weights = ready.policy.model.weights();
  for (const model::Parameter& p : weights.parameters()) {
    std::vector<float> one(static_cast<size_t>(p.size()));
    weights.read(p, one.data());
    out.weights.insert(out.weights.end(), one.begin(), one.end());
  }
  return out;
}

std::vector<std::vector<Sampled>> ordinary_groups() {
  return {{{1, 5}, {0, 9}, {0.5, 3}, {1, 12}}, {{0, 4}, {0, 6}, {1, 2}, {0, 8}}, {{1, 3}, {1, 3}, {1, 7}, {1, 5}}};
}

void expect_the_same_wherever_it_is_cut(const std::string& what, const ObjectiveSettings& objective,
                                        const UpdateSettings& passes, const model::OptimizerSettings& optimizer = {}) {
  const auto whole = update(ordinary_groups(), objective, no_limit, false, passes, optimizer);
  EXPECT_GT(whole.grad_norm, 0) << what;
  for (const int64_t tokens : {1, 16, 33, 60}) {
    const auto cut = update(ordinary_groups(), objective, tokens, false, passes, optimizer);
    EXPECT_EQ(cut.loss, whole.loss) << what << " " << tokens;
    EXPECT_EQ(cut.grad_norm, whole.grad_norm) << what << " " << tokens;
    EXPECT_EQ(cut.rows, whole.rows) << what << " " << tokens;
    EXPECT_TRUE(cut.weights == whole.weights) << what << " " << tokens;
  }
}

TEST(Cutting, ChangesNoBitForAnyPresetWithMinibatchesAndEpochs) {
  for (const auto& preset : objective_presets()) {
    const auto objective = objective_preset(preset);
    expect_the_same_wherever_it_is_cut(preset, objective, {.minibatches = 2, .epochs = 2, .seed = 5});
  }
}

TEST(Cutting, ChangesNoBitForEntropyTermsAdaptersAndRecomputedActivations) {
  auto entropy = objective_preset("dapo");
  entropy.entropy_coef = 0.01;
  entropy.top_entropy_fraction = 0.5;
  expect_the_same_wherever_it_is_cut("entropy", entropy, {.minibatches = 3});
  const auto objective = objective_preset("grpo");
  expect_the_same_wherever_it_is_cut("lora", objective, {.minibatches = 2}, {.lora = model::LoraSettings{.rank = 2}});
  expect_the_same_wherever_it_is_cut("recompute", objective, {.minibatches = 2}, {.recompute = true});
}

TEST(Minibatches, KeepTheSharedPromptOfAGroup) {
  // 4 groups of 16 answers of 14 tokens: all of a group's answers in one minibatch share its prompt's rows.
  std::vector<std::vector<Sampled>> groups(4);
  for (auto& group : groups) {
    for (int i = 0; i < 16; ++i) group.push_back({static_cast<double>(i % 2), 14});
  }
  const int64_t answers = int64_t{4} * 16 * 13, prompts = 3 + 4 + 5 + 6;
  const auto objective = objective_preset("dapo");
  EXPECT_EQ(update(groups, objective, no_limit).rows, answers + prompts);
  const auto two = update(groups, objective, no_limit, false, {.minibatches = 2});
  EXPECT_EQ(two.optimizer_steps, 2);
  EXPECT_EQ(two.rows, answers + 2 * prompts);
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
