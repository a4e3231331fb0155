// The DPO loop on a tiny model: pairs share their prompt, the reference is scored once, cutting a batch changes
// nothing.
#include "sft/dpo.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "support.h"

namespace posttrain::sft {
namespace {

struct DpoFixture {
  std::unique_ptr<nn::Backend> backend = nn::make_cpu_backend();
  model::Transformer model{*backend, model::llama_arch(40, 16, 2, 2, 2, 32, true), DType::f32, nn::Use::training};
  std::vector<AnswerPair> pairs;

  DpoFixture() {
    model.init_random(3, {1.0, 1.0, 0.5});
    Rng rng({5});
    const auto ids = [&](int64_t least, int64_t most) {
      std::vector<int32_t> out;
      for (int64_t n = rng.integer(least, most); n > 0; --n) out.push_back(static_cast<int32_t>(rng.integer(0, 39)));
      return out;
    };
    for (int i = 0; i < 12; ++i) {
      pairs.push_back({.prompt = ids(2, 6), .chosen = {.ids = ids(1, 9)}, .rejected = {.ids = ids(1, 9)}});
    }
    score_reference(model, pairs, 64);
  }
};

TEST(Dpo, ReferenceLogProbabilitiesAreThePolicysOwnAtTheStart) {
  DpoFixture f;
  model::Learner learner(f.model, {});
  DpoTrainer trainer(learner, f.pairs, {.pairs_per_step = 12}, 1, 2);
  const auto step = trainer.step(0);
  EXPECT_NEAR(metric(step, "loss"), std::log(2.0), 1e-6);
  EXPECT_NEAR(metric(step, "rewards/margins"), 0, 1e-6);
}

TEST(Dpo, EveryKindRaisesTheMarginOfItsPairs) {
  for (const char* kind : {"sigmoid", "hinge", "ipo", "simpo", "kto", "orpo"}) {
    DpoFixture f;
    model::Learner learner(f.model, {});
    DpoSettings settings{.steps = 20, .pairs_per_step = 12};
    settings.loss.kind = from_name<PreferenceKind>(kind).value();
    settings.training.lr = 3e-3;
    DpoTrainer trainer(learner, f.pairs, settings, 1, 2);
    const double before = metric(trainer.step(0), "rewards/margins");
    double after = before;
    for (int64_t i = 1; i < trainer.steps(); ++i) after = metric(trainer.step(i), "rewards/margins");
    EXPECT_GT(after, before + 0.05) << kind;
  }
}

TEST(Dpo, MicroBatchesAddUpToTheWholeBatch) {
  for (const char* kind : {"sigmoid", "kto", "orpo"}) {
    const auto norm = [&](int64_t micro_batch_tokens) {
      DpoFixture f;
      model::Learner learner(f.model, {});
      DpoSettings settings{.pairs_per_step = 12, .micro_batch_tokens = micro_batch_tokens};
      settings.loss.kind = from_name<PreferenceKind>(kind).value();
      return metric(DpoTrainer(learner, f.pairs, settings, 1, 2).step(0), "grad_norm");
    };
    const double whole = norm(1 << 20);
    EXPECT_GT(whole, 0);
    for (const int64_t tokens : {1, 30, 100}) EXPECT_NEAR(norm(tokens) / whole, 1, 1e-6) << kind << " " << tokens;
  }
}

}  // namespace
}  // namespace posttrain::sft
