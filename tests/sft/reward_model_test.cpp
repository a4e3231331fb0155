#include "sft/reward_model.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "support.h"

namespace posttrain::sft {
namespace {

// Pairs whose better answer has a token 7 in it somewhere.
std::vector<AnswerPair> pairs_with_a_rule(int count) {
  Rng rng({11});
  std::vector<AnswerPair> pairs;
  for (int i = 0; i < count; ++i) {
    const auto ids = [&] {
      std::vector<int32_t> out;
      for (int64_t n = rng.integer(2, 6); n > 0; --n) out.push_back(static_cast<int32_t>(rng.integer(8, 30)));
      return out;
    };
    AnswerPair pair{.prompt = ids(), .chosen = {.ids = ids()}, .rejected = {.ids = ids()}};
    pair.chosen.ids[static_cast<size_t>(rng.integer(0, std::ssize(pair.chosen.ids) - 1))] = 7;
    pairs.push_back(pair);
  }
  return pairs;
}

struct RewardFixture {
  std::unique_ptr<nn::Backend> backend = nn::make_cpu_backend();
  model::Transformer model{*backend, model::llama_arch(40, 16, 2, 2, 2, 32, false), DType::f32, nn::Use::training};
  RewardHead head = reward_head(model.arch());
  std::vector<AnswerPair> pairs = pairs_with_a_rule(200);

  RewardFixture() { model.init_random(3, {1.0, 1.0, 0.5}); }
};

TEST(RewardModel, LearnsARuleAndScoresPairsItNeverSaw) {
  RewardFixture f;
  model::Learner learner(f.model, {});
  RewardModelSettings settings{.steps = 80, .pairs_per_step = 32, .held_out = 0.2};
  settings.training.lr = 5e-3;
  RewardModelTrainer trainer(learner, f.head, f.pairs, settings, 1, 2);
  EXPECT_LT(trainer.held_out_accuracy(f.model), 0.8);
  for (int64_t i = 0; i < trainer.steps(); ++i) trainer.step(i);
  EXPECT_GT(trainer.held_out_accuracy(f.model), 0.85);
}

TEST(RewardModel, AScoreIsOfTheAnswerAloneAndTheFirstLossIsOfItsGap) {
  RewardFixture f;
  model::Learner learner(f.model, {});
  const auto& pair = f.pairs.front();
  const std::vector<rollout::TrainSample> both = {{&pair.prompt, &pair.chosen}, {&pair.prompt, &pair.rejected}};
  const auto scores = reward_scores(f.model, f.head, both, 1 << 20);
  EXPECT_EQ(scores, reward_scores(f.model, f.head, both, 1));
  const std::vector<AnswerPair> one = {pair};
  RewardModelTrainer trainer(learner, f.head, one, {.steps = 1, .pairs_per_step = 1, .held_out = 0}, 1, 2);
  EXPECT_NEAR(metric(trainer.step(0), "loss"), std::log1p(std::exp(scores[1] - scores[0])), 1e-6);
}

TEST(RewardModel, MicroBatchesAddUpToTheWholeBatch) {
  const auto norm = [](int64_t micro_batch_tokens) {
    RewardFixture f;
    model::Learner learner(f.model, {});
    const RewardModelSettings settings{.pairs_per_step = 24, .micro_batch_tokens = micro_batch_tokens};
    return metric(RewardModelTrainer(learner, f.head, f.pairs, settings, 1, 2).step(0), "grad_norm");
  };
  const double whole = norm(1 << 20);
  for (const int64_t tokens : {1, 40, 111}) EXPECT_NEAR(norm(tokens) / whole, 1, 1e-6) << tokens;
}

TEST(RewardModel, AnEmptyAnswerIsReadBehindItsPrompt) {
  RewardFixture f;
  const std::vector<int32_t> prompt = {9, 10, 11}, shorter = {9, 10};
  const rollout::Completion none, last{.ids = {11}};
  const auto scores =
      reward_scores(f.model, f.head, std::vector<rollout::TrainSample>{{&prompt, &none}, {&shorter, &last}}, 100);
  EXPECT_EQ(scores[0], scores[1]);
}

}  // namespace
}  // namespace posttrain::sft
