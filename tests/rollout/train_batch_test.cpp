// Where a batch is cut changes nothing, not even within a group: a prompt's gradient waits for the last of its answers.
#include "rollout/train_batch.h"

#include <gtest/gtest.h>

#include "tests/model/tiny.h"

namespace posttrain::rollout {
namespace {

// Groups of answers of 0, 1 and more tokens; three groups, the middle one a single answer.
struct Groups {
  std::vector<std::vector<int32_t>> prompts;
  std::vector<Completion> completions;
  std::vector<TrainSample> samples;

  explicit Groups(const model::Arch& arch) {
    Rng rng({5});
    const auto draw = [&](int64_t count) {
      std::vector<int32_t> ids;
      for (; count > 0; --count) ids.push_back(static_cast<int32_t>(rng.integer(0, arch.vocab - 1)));
      return ids;
    };
    const std::vector<std::vector<int64_t>> lengths = {{1, 1, 6, 2, 9}, {4}, {3, 1, 7, 5, 1, 1}};
    prompts = {draw(5), draw(3), draw(37)};
    for (const auto& group : lengths) {
      for (const int64_t length : group) {
        completions.emplace_back();
        completions.back().ids = draw(length);
      }
    }
    size_t next = 0;
    for (size_t g = 0; g < lengths.size(); ++g) {
      for (size_t i = 0; i < lengths[g].size(); ++i) samples.push_back({&prompts[g], &completions[next++]});
    }
  }
};

// All gradients after training on the samples in batches of at most `limit` rows.
std::vector<float> gradients(model::Transformer& policy, std::span<const TrainSample> samples, int64_t limit,
                             bool recompute, int64_t& rows) {
  model::Learner learner(policy, {.recompute = recompute});
  rows = 0;
  for (const auto& [first, last] : micro_batches(samples, limit)) {
    const auto batch = pack_samples(samples, first, last, 0.8);
    rows += batch.rows() - batch.open_rows;
    learner.accumulate(batch, [&](const model::Scores& scores) {
      model::Coefficients c;
      for (const float logp : scores.logp) {
        c.dlogp.push_back(std::sin(9 * logp));
        c.dentropy.push_back(0.1f * std::cos(5 * logp));
      }
      return c;
    });
  }
  std::vector<float> all;
  for (const model::Parameter& p : policy.weights().parameters()) {
    if (!p.trained) continue;
    const auto one = learner.gradient(p.name);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

TEST(TrainBatch, EveryGradientOfEveryFamilyIsTheSameWhereverABatchIsCut) {
  const auto backend = nn::make_cpu_backend();
  for (const model::Arch& arch : model::tiny_families()) {
    const auto policy = model::tiny_model(*backend, arch);
    const Groups groups(arch);
    int64_t rows_of_all = 0, rows = 0;
    const auto whole = gradients(*policy, groups.samples, 1 << 20, false, rows_of_all);
    EXPECT_EQ(rows_of_all, (5 + 3 + 37) + (5 + 1 + 8) + 3 + (2 + 6 + 4)) << "each prompt once";
    for (const int64_t limit : {1, 7, 14, 42, 48, 50, 60}) {
      for (const bool recompute : {false, true}) {
        EXPECT_TRUE(gradients(*policy, groups.samples, limit, recompute, rows) == whole)
            << arch.family << ", " << limit << " rows, recompute " << recompute;
        EXPECT_EQ(rows, rows_of_all) << "every row is trained once";
      }
    }
  }
}

TEST(TrainBatch, AnswersStandBeforeTheirPrompt) {
  const Groups groups(model::tiny_arch());
  const auto batch = pack_samples(groups.samples, 2, 4, 1);
  ASSERT_EQ(batch.segments.size(), 3U);
  EXPECT_EQ(batch.segments[0].prefix_begin, 6);
  EXPECT_EQ(batch.segments[2].begin, 6);
  EXPECT_EQ(batch.target_rows, (std::vector<int32_t>{10, 0, 1, 2, 3, 4, 10, 5}));
  EXPECT_EQ(batch.carried_begin, 6);
  EXPECT_EQ(batch.carried_rows, 5);
  EXPECT_EQ(batch.open_rows, 5);
}

}  // namespace
}  // namespace posttrain::rollout
