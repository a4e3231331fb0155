// The course of the learning rate.
#include "model/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace posttrain::model {
namespace {

TEST(Schedule, WarmUpReachesThePeakWhateverFollows) {
  for (const Schedule schedule : {Schedule::constant, Schedule::linear, Schedule::cosine}) {
    const TrainingSettings s{.lr = 0.5, .schedule = schedule, .warmup_steps = 4};
    EXPECT_DOUBLE_EQ(s.lr_at(0, 8), 0.125) << to_string(schedule);
    EXPECT_DOUBLE_EQ(s.lr_at(3, 8), 0.5) << to_string(schedule);
    EXPECT_DOUBLE_EQ(s.lr_at(4, 8), 0.5) << to_string(schedule);
  }
}

TEST(Schedule, LinearAndCosineRunOverTheStepsThatWarmUpLeaves) {
  const TrainingSettings linear{.lr = 1, .schedule = Schedule::linear, .final_lr_fraction = 0.1, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(linear.lr_at(6, 8), 1 - 0.9 * 0.5);
  const TrainingSettings cosine{.lr = 1, .schedule = Schedule::cosine, .final_lr_fraction = 0.1, .warmup_steps = 4};
  EXPECT_NEAR(cosine.lr_at(5, 8), 0.1 + 0.9 * 0.5 * (1 + std::cos(std::acos(-1.0) / 4)), 1e-12);
  const TrainingSettings none{.lr = 1, .schedule = Schedule::linear, .final_lr_fraction = 0};
  EXPECT_DOUBLE_EQ(none.lr_at(2, 8), 0.75);
}

TEST(Schedule, AWarmUpOfAllStepsEndsAtThePeak) {
  const TrainingSettings s{.lr = 2, .schedule = Schedule::cosine, .warmup_steps = 8};
  EXPECT_DOUBLE_EQ(s.lr_at(7, 8), 2);
  EXPECT_DOUBLE_EQ(s.lr_at(8, 8), 2) << "past the end nothing odd happens";
}

}  // namespace
}  // namespace posttrain::model
