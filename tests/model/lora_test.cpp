// Low-rank adapters: what is trained, what is merged, and what is written.
#include "model/lora.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "formats/safetensors.h"
#include "model/checkpoint.h"
#include "model/memory_plan.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

const LoraSettings small_lora = {.rank = 3, .alpha = 6, .targets = {"q_proj", "down_proj"}};

struct LoraTrainer {
  explicit LoraTrainer(nn::Backend& backend, const LoraSettings& lora = small_lora)
      : model(tiny_model(backend, tiny_arch())), learner(*model, {.max_grad_norm = 0, .lora = lora}) {}

  void accumulate(int step) {
    const TrainBatch batch = pack(random_sequences(model->arch(), 3, 3, 8, static_cast<uint64_t>(step)));
    learner.accumulate(batch, [&](const Scores&) { return any_coefficients(batch); });
  }
  void train(int from, int to) {
    for (int step = from; step < to; ++step) {
      accumulate(step);
      learner.step(1e-2);
    }
  }

  std::unique_ptr<Transformer> model;
  Learner learner;
};

std::vector<float> values_of(const Transformer& model, const Parameter& p) {
  std::vector<float> values(static_cast<size_t>(p.size()));
  model.weights().read(p, values.data());
  return values;
}

bool is_target(const Parameter& p) {
  return p.name.find("q_proj") != std::string::npos || p.name.find("down_proj") != std::string::npos;
}

TEST(Lora, TrainsItsTargetsOnlyAndBeginsAtTheModelItself) {
  const auto backend = nn::make_cpu_backend();
  const auto original = tiny_model(*backend, tiny_arch());
  LoraTrainer trainer(*backend);
  EXPECT_EQ(all_weights(*trainer.model), all_weights(*original));
  trainer.train(0, 2);
  for (const Parameter& p : trainer.model->weights().parameters()) {
    EXPECT_EQ(values_of(*trainer.model, p) == values_of(*original, p), !is_target(p)) << p.name;
  }
}

// After two steps both factors move; |g| is their gradients' norm, by the chain rule from the merged weights'.
TEST(Lora, TheExportedFactorsMergeToTheTrainedWeightsAndTheirGradientsAreProjections) {
  const auto backend = nn::make_cpu_backend();
  const auto original = tiny_model(*backend, tiny_arch());
  const TemporaryFolder folder;
  LoraTrainer trainer(*backend);
  trainer.train(0, 2);
  trainer.learner.lora()->save(folder.path());
  const Json config = read_json(folder.path() / "adapter_config.json");
  EXPECT_EQ(config["r"], 3);
  EXPECT_EQ(config["target_modules"], Json({"q_proj", "down_proj"}));
  trainer.accumulate(2);
  // The gradients of the whole matrices, from a model that has the merged weights.
  const auto merged_model = tiny_model(*backend, tiny_arch());
  merged_model->copy_weights_from(*trainer.model);
  Learner whole(*merged_model, {.max_grad_norm = 0});
  const TrainBatch batch = pack(random_sequences(merged_model->arch(), 3, 3, 8, 2));
  whole.accumulate(batch, [&](const Scores&) { return any_coefficients(batch); });
  const Safetensors file = Safetensors::open_file(folder.path() / "adapter_model.safetensors");
  double squares = 0;
  size_t adapters = 0;
  for (const Parameter& p : trainer.model->weights().parameters()) {
    if (!is_target(p)) continue;
    const std::string name = "base_model.model." + p.name.substr(0, p.name.rfind('.'));
    const auto a = file.floats(name + ".lora_A.weight"), b = file.floats(name + ".lora_B.weight");
    const auto merged = values_of(*trainer.model, p), base = values_of(*original, p), g = whole.gradient(p.name);
    const auto cols = static_cast<size_t>(p.cols), rows = static_cast<size_t>(p.rows);
    std::vector<double> da(a.size()), db(b.size());
    for (size_t o = 0; o < rows; ++o) {
      for (size_t i = 0; i < cols; ++i) {
        double product = 0;
        for (size_t r = 0; r < 3; ++r) {
          product += 2.0 * b[o * 3 + r] * a[r * cols + i];
          db[o * 3 + r] += 2.0 * g[o * cols + i] * a[r * cols + i];
          da[r * cols + i] += 2.0 * g[o * cols + i] * b[o * 3 + r];
        }
        ASSERT_NEAR(merged[o * cols + i], base[o * cols + i] + product, 1e-6) << p.name;
      }
    }
    for (const double x : da) squares += x * x;
    for (const double x : db) squares += x * x;
    ++adapters;
  }
  EXPECT_EQ(adapters, 2 * static_cast<size_t>(trainer.model->arch().layers));
  EXPECT_NEAR(trainer.learner.step(0).grad_norm, std::sqrt(squares), 1e-5 * std::sqrt(squares));
}

TEST(Lora, WithoutTheAdaptersItIsTheOriginalModelBitForBitAndThenItselfAgain) {
  const auto backend = nn::make_cpu_backend();
  const auto original = tiny_model(*backend, tiny_arch());
  LoraTrainer trainer(*backend, {.rank = 3, .alpha = 6, .targets = {"q_proj", "v_proj", "gate_proj", "down_proj"}});
  trainer.train(0, 3);
  const TrainBatch batch = pack(random_sequences(original->arch(), 3, 3, 8));
  const auto trained = trainer.model->score(batch).logp, base = original->score(batch).logp;
  EXPECT_NE(trained, base);
  trainer.learner.without_adapters([&] { EXPECT_EQ(trainer.model->score(batch).logp, base); });
  EXPECT_EQ(trainer.model->score(batch).logp, trained);
}

TEST(Lora, TheModelKeepsWhatWasTrainedWhenTheLearnerIsGone) {
  const auto backend = nn::make_cpu_backend();
  const auto model = tiny_model(*backend, tiny_arch());
  std::vector<std::vector<float>> trained;
  {
    Learner learner(*model, {.lora = small_lora});
    const TrainBatch batch = pack(random_sequences(model->arch(), 3, 3, 8));
    for (int step = 0; step < 3; ++step) {
      learner.accumulate(batch, [&](const Scores&) { return any_coefficients(batch); });
      learner.step(1e-2);
    }
    trained = all_weights(*model);
  }
  EXPECT_EQ(all_weights(*model), trained);
}

// No gradients, moments or copies of the size of the model stand beside its weights.
TEST(Lora, NeedsLittleMoreMemoryThanItsWeights) {
  const Arch arch = llama_arch(64, 1536, 28, 12, 2, 8960, true);
  const int64_t count = parameter_count(arch);
  const auto plan = plan_training(arch, {.stored = DType::bf16, .optimizer = {.lora = LoraSettings()}});
  EXPECT_EQ(plan.weights, 8 * count + 4 * 64 * 1536);
  EXPECT_LT(plan.gradients + plan.optimizer, count / 2);
}

TEST(Lora, GoesOnBitForBitFromACheckpoint) {
  const auto backend = nn::make_cpu_backend();
  const TemporaryFolder folder;
  LoraTrainer whole(*backend), first(*backend), second(*backend);
  whole.train(0, 5);
  first.train(0, 3);
  Checkpoint::save(folder.path() / "state", first.learner, "");
  second.train(7, 8);
  Checkpoint::load(folder.path() / "state", second.learner);
  second.train(3, 5);
  EXPECT_EQ(all_weights(*whole.model), all_weights(*second.model));
}

TEST(Lora, TargetsThatAreNoMatricesAreAnError) {
  const auto backend = nn::make_cpu_backend();
  EXPECT_THROW(LoraTrainer(*backend, {.rank = 2, .alpha = 2, .targets = {"nothing"}}), Error);
}

}  // namespace
}  // namespace posttrain::model
