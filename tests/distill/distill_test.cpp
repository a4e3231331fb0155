#include "distill/distill.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/distill/models.h"

namespace posttrain::distill {
namespace {

TEST(DiscountedMeans, AreTheTokensOwnForGammaZeroAndTheMeanOfTheRestForOne) {
  const std::vector<double> r = {1, 2, 6};
  EXPECT_EQ(discounted_means(r, 0), r);
  EXPECT_EQ(discounted_means(r, 1), (std::vector<double>{3, 4, 6}));
  EXPECT_NEAR(discounted_means(r, 0.5)[0], (1 + 0.5 * 2 + 0.25 * 6) / 1.75, 1e-12);
  EXPECT_TRUE(discounted_means({}, 0.5).empty());
}

double mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += double{v} / static_cast<double>(values.size());
  return sum;
}

// The student's divergence from the teacher over all answers, before and after some steps of learning it.
TEST(Distill, StepsOnTheTeachersDistributionBringTheStudentNearer) {
  for (const double beta : {0.0, 0.5, 1.0}) {
    TeacherAndStudent models;
    model::Learner learner(models.student, {});
    const auto samples = samples_of(models.examples);
    const auto batch = rollout::pack_samples(samples, 1);
    const std::vector<float> weight(static_cast<size_t>(batch.targets()), 1.0f / static_cast<float>(batch.targets()));
    double first = 0, last = 0;
    for (int step = 0; step < 60; ++step) {
      last = mean(learner.distill(batch, models.teacher.teacher_rows(batch), beta, weight));
      if (step == 0) first = last;
      learner.step(5e-3);
    }
    EXPECT_LT(last, 0.5 * first) << beta;
  }
}

TEST(Distill, GradientsDoNotDependOnHowTheBatchIsCut) {
  TeacherAndStudent models;
  model::Learner learner(models.student, {});
  const auto samples = samples_of(models.examples);
  const auto gradient = [&](int64_t micro_batch_tokens) {
    learner.zero_gradients();
    for (const auto& [first, last] : rollout::micro_batches(samples, micro_batch_tokens)) {
      const auto batch = rollout::pack_samples(std::span(samples).subspan(first, last - first), 1);
      const std::vector<float> weight(static_cast<size_t>(batch.targets()), 0.01f);
      learner.distill(batch, models.teacher.teacher_rows(batch), 0.5, weight);
    }
    return learner.gradient("model.layers.0.mlp.up_proj.weight");
  };
  EXPECT_EQ(gradient(1), gradient(1 << 20));
}

TEST(Distill, AgainstEveryNamedTokenIsTheSameAsAgainstTheTeacher) {
  TeacherAndStudent models;
  model::Learner learner(models.student, {});
  const auto batch = rollout::pack_samples(samples_of(models.examples), 0.8);
  const std::vector<float> weight(static_cast<size_t>(batch.targets()), 0.1f);
  const auto whole = learner.distill(batch, models.teacher.teacher_rows(batch), 1, weight);
  const auto named = models.teacher.likeliest(batch, 40);
  const auto again = learner.distill(batch, {.begin = named.begin, .ids = named.ids, .logp = named.logp}, 1, weight);
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], again[i], 1e-5);
}

}  // namespace
}  // namespace posttrain::distill
