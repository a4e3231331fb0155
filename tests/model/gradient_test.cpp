#include <gtest/gtest.h>

#include "base/error.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

double loss_of(Transformer& model, const TrainBatch& batch, const Coefficients& c) {
  const Scores scores = model.score(batch);
  double loss = 0;
  for (size_t i = 0; i < scores.logp.size(); ++i) {
    loss += static_cast<double>(c.dlogp[i]) * scores.logp[i] + static_cast<double>(c.dentropy[i]) * scores.entropy[i];
  }
  return loss;
}

// Along a direction, the loss changes as the gradient says: for every tensor, once along its gradient (where an error
// of scale shows) and once along a random direction (where a wrong element shows).
void expect_gradients_match_differences(nn::Backend& backend, const Arch& arch) {
  const auto model = tiny_model(backend, arch);
  const TrainBatch batch = pack(random_sequences(arch, 3, 4, 9));
  Coefficients c = any_coefficients(batch);
  Learner learner(*model, {});
  learner.accumulate(batch, [&](const Scores&) { return c; });
  Rng rng({3, hash_name("directions")});
  for (const Parameter& p : model->weights().parameters()) {
    if (!p.trained) continue;
    const std::vector<float> gradient = learner.gradient(p.name);
    std::vector<float> weights(gradient.size()), moved(gradient.size());
    model->weights().read(p, weights.data());
    for (const bool along_gradient : {true, false}) {
      std::vector<double> direction;
      double norm = 0, expected = 0;
      for (const float g : gradient) direction.push_back(along_gradient ? g : rng.normal());
      for (const double d : direction) norm += d * d;
      norm = std::sqrt(norm);
      ASSERT_GT(norm, 0) << p.name;
      for (size_t i = 0; i < direction.size(); ++i) expected += direction[i] / norm * gradient[i];
      const double h = 4e-3;
      double sides[2];
      for (const int side : {0, 1}) {
        for (size_t i = 0; i < moved.size(); ++i) {
          moved[i] = static_cast<float>(weights[i] + (side == 1 ? h : -h) * direction[i] / norm);
        }
        model->weights().write(p, moved.data(), DType::f32);
        sides[side] = loss_of(*model, batch, c);
      }
      model->weights().write(p, weights.data(), DType::f32);
      const double measured = (sides[1] - sides[0]) / (2 * h);
      EXPECT_NEAR(measured, expected, 4e-3 + 6e-3 * std::fabs(expected))
          << arch.family << " " << p.name << (along_gradient ? " along its gradient" : " along a random direction");
    }
  }
}

TEST(Gradient, MatchesFiniteDifferencesForEveryTensorOfEveryFamily) {
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) expect_gradients_match_differences(*backend, arch);
}

TEST(Gradient, OfASharedPromptIsTheSumOverItsReaders) {
  const auto backend = nn::make_cpu_backend();
  const Arch arch = tiny_arch();
  const auto model = tiny_model(*backend, arch);
  const std::vector<int32_t> prompt = {3, 1, 4, 1, 5, 9}, first = {2, 6, 5}, second = {8, 9, 7, 9};
  // Unshared: the prompt stands before each completion; only completion tokens are targets.
  TrainBatch apart;
  for (const auto& completion : {first, second}) {
    const auto begin = static_cast<int32_t>(apart.rows());
    std::vector<int32_t> whole = prompt;
    whole.insert(whole.end(), completion.begin(), completion.end());
    apart.segments.push_back({begin, static_cast<int32_t>(whole.size())});
    for (size_t t = 0; t < whole.size(); ++t) {
      apart.ids.push_back(whole[t]);
      apart.positions.push_back(static_cast<int32_t>(t));
      if (t + 1 < prompt.size() || t + 1 == whole.size()) continue;
      apart.target_rows.push_back(begin + static_cast<int32_t>(t));
      apart.target_ids.push_back(whole[t + 1]);
    }
  }
  TrainBatch shared;
  shared.segments.push_back({0, 6});
  for (size_t t = 0; t < prompt.size(); ++t) {
    shared.ids.push_back(prompt[t]);
    shared.positions.push_back(static_cast<int32_t>(t));
  }
  for (const auto& completion : {first, second}) {
    const auto begin = static_cast<int32_t>(shared.rows());
    shared.segments.push_back({begin, static_cast<int32_t>(completion.size()), 0, 6});
    for (size_t t = 0; t < completion.size(); ++t) {
      shared.target_rows.push_back(t == 0 ? 5 : begin + static_cast<int32_t>(t) - 1);
      shared.target_ids.push_back(completion[t]);
      shared.ids.push_back(completion[t]);
      shared.positions.push_back(static_cast<int32_t>(prompt.size() + t));
    }
  }
  EXPECT_EQ(model->score(apart).logp, model->score(shared).logp) << "log-probabilities must be the same bits";
  Learner a(*model, {}), b(*model, {});
  a.accumulate(apart, [&](const Scores&) { return any_coefficients(apart); });
  b.accumulate(shared, [&](const Scores&) { return any_coefficients(shared); });
  const auto ga = all_gradients(*model, a), gb = all_gradients(*model, b);
  for (size_t i = 0; i < ga.size(); ++i) {
    double difference = 0, norm = 0;
    for (size_t k = 0; k < ga[i].size(); ++k) {
      difference += std::pow(static_cast<double>(ga[i][k]) - gb[i][k], 2);
      norm += std::pow(static_cast<double>(ga[i][k]), 2);
    }
    EXPECT_LE(std::sqrt(difference), 1e-6 * std::sqrt(norm)) << model->weights().parameters()[i].name;
  }
}

TEST(Gradient, ACoefficientThatIsNotFiniteTouchesNothing) {
  const auto backend = nn::make_cpu_backend();
  const auto model = tiny_model(*backend, tiny_arch());
  const TrainBatch batch = pack(random_sequences(model->arch(), 1, 4, 4));
  Learner learner(*model, {});
  const auto poisoned = [&](const Scores&) {
    Coefficients c = any_coefficients(batch);
    c.dlogp[1] = NAN;
    return c;
  };
  EXPECT_THROW(learner.accumulate(batch, poisoned), Failure);
  for (const auto& gradient : all_gradients(*model, learner)) {
    for (const float g : gradient) ASSERT_EQ(g, 0);
  }
}

TEST(Gradient, ANormThatIsNotFiniteLeavesWeightsAsTheyWere) {
  const auto backend = nn::make_cpu_backend();
  const auto model = tiny_model(*backend, tiny_arch());
  const TrainBatch batch = pack(random_sequences(model->arch(), 1, 4, 4));
  Learner learner(*model, {});
  const auto before = all_weights(*model);
  learner.accumulate(batch, [&](const Scores&) {
    Coefficients c = any_coefficients(batch);
    for (float& x : c.dlogp) x = 3e38f;
    return c;
  });
  EXPECT_THROW(learner.step(1e-3), Failure);
  EXPECT_EQ(all_weights(*model), before);
  EXPECT_EQ(learner.steps(), 0);
}

TEST(Optimizer, DecaysMatricesAndLeavesVectorsAlone) {
  const auto backend = nn::make_cpu_backend();
  const auto model = tiny_model(*backend, tiny_arch());
  Learner learner(*model, {.weight_decay = 0.5f});
  const auto before = all_weights(*model);
  learner.step(0.1);  // no gradient: decay is all that happens
  const auto after = all_weights(*model);
  for (size_t i = 0; i < before.size(); ++i) {
    const bool matrix = model->weights().parameters()[i].cols > 0;
    for (size_t k = 0; k < before[i].size(); ++k) {
      ASSERT_NEAR(after[i][k], before[i][k] * (matrix ? 0.95f : 1.0f), 1e-6) << model->weights().parameters()[i].name;
    }
  }
}

}  // namespace
}  // namespace posttrain::model
