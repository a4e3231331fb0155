// The first promise: the same log-probabilities, bit for bit, however the work is arranged.
#include <gtest/gtest.h>

#include "base/parallel.h"
#include "model/direct_decoder.h"
#include "tiny.h"

namespace posttrain::model {
namespace {

using Rows = std::vector<std::vector<int32_t>>;

std::vector<float> score_in_batches(Transformer& model, const Rows& sequences, size_t batch_size) {
  std::vector<float> logp;
  for (size_t begin = 0; begin < sequences.size(); begin += batch_size) {
    const size_t end = std::min(sequences.size(), begin + batch_size);
    const Scores s = model.score(pack({sequences.begin() + static_cast<std::ptrdiff_t>(begin),
                                       sequences.begin() + static_cast<std::ptrdiff_t>(end)}));
    logp.insert(logp.end(), s.logp.begin(), s.logp.end());
  }
  return logp;
}

TEST(Equality, BatchesOf1And7And64ScoreTheSame) {
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) {
    const auto model = tiny_model(*backend, arch);
    const Rows sequences = random_sequences(arch, 64, 2, 40);
    const auto one = score_in_batches(*model, sequences, 1);
    EXPECT_EQ(one, score_in_batches(*model, sequences, 7)) << arch.family;
    EXPECT_EQ(one, score_in_batches(*model, sequences, 64)) << arch.family;
  }
}

TEST(Equality, OneAndTwoThreadsScoreAndTrainTheSame) {
  const int before = compute_threads();
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) {
    const Rows sequences = random_sequences(arch, 20, 2, 40);
    std::vector<std::vector<float>> logp, weights[2];
    for (const int threads : {1, 2}) {
      set_compute_threads(threads);
      const auto model = tiny_model(*backend, arch);
      Learner learner(*model, {});
      const TrainBatch batch = pack(sequences);
      for (int step = 0; step < 3; ++step) {
        logp.push_back(learner.accumulate(batch, [&](const Scores&) { return any_coefficients(batch); }).logp);
        learner.step(1e-3);
      }
      weights[threads - 1] = all_weights(*model);
    }
    for (size_t step = 0; step < 3; ++step) EXPECT_EQ(logp[step], logp[step + 3]) << arch.family;
    EXPECT_EQ(weights[0], weights[1]) << arch.family;
  }
  set_compute_threads(before);
}

// Log-probability of every token of the sequences after `prompt` tokens, forced through the sampler: a token is drawn
// with the uniform number that falls on it.
TEST(Equality, PrefillTokenByTokenAndScoringAgree) {
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) {
    const auto model = tiny_model(*backend, arch);
    const Rows prompts = random_sequences(arch, 5, 1, 70);
    const size_t count = prompts.size();
    std::vector<nn::Sampled> sampled;
    const std::vector<double> uniforms = {0.1, 0.35, 0.6, 0.85, 0.99};
    for (const bool one_by_one : {false, true}) {
      DirectDecoder decoder(*model, static_cast<int>(count), 100);
      if (!one_by_one) {
        sampled.push_back(decoder.append(prompts, {}, uniforms));
        continue;
      }
      nn::Sampled last;
      last.ids.resize(count);
      last.logp.resize(count);
      for (size_t s = 0; s < count; ++s) {
        for (const int32_t id : prompts[s]) {
          Rows single(count);
          single[s] = {id};
          const nn::Sampled one = decoder.append(single, {}, uniforms);
          last.ids[s] = one.ids[0];
          last.logp[s] = one.logp[0];
        }
      }
      // Only the last token of a prompt is drawn with the prompt's own number in both ways.
      EXPECT_EQ(last.ids, sampled[0].ids) << arch.family;
      EXPECT_EQ(last.logp, sampled[0].logp) << arch.family;
    }
    TrainBatch batch;
    for (size_t s = 0; s < count; ++s) {
      batch.segments.push_back({static_cast<int32_t>(batch.rows()), static_cast<int32_t>(prompts[s].size())});
      for (size_t t = 0; t < prompts[s].size(); ++t) {
        batch.ids.push_back(prompts[s][t]);
        batch.positions.push_back(static_cast<int32_t>(t));
      }
      batch.target_rows.push_back(static_cast<int32_t>(batch.rows() - 1));
      batch.target_ids.push_back(sampled[0].ids[s]);
    }
    const Scores scores = model->score(batch);
    EXPECT_EQ(scores.logp, sampled[0].logp) << arch.family;
    EXPECT_EQ(scores.entropy, sampled[0].entropy) << arch.family;
  }
}

TEST(Equality, SampledFromAFilteredDistributionScoresTheSameOverTheKeptTokens) {
  const auto backend = nn::make_cpu_backend();
  const auto model = tiny_model(*backend, tiny_arch());
  const Rows prompts = random_sequences(model->arch(), 6, 3, 20);
  DirectDecoder decoder(*model, 6, 32);
  const nn::SamplingFilter filter{.temperature = 0.7f, .top_k = 12, .top_p = 0.9f, .min_p = 0.01f};
  const nn::Sampled sampled = decoder.append(prompts, filter, std::vector<double>{0.1, 0.2, 0.4, 0.6, 0.8, 0.9});
  TrainBatch batch;
  for (size_t s = 0; s < prompts.size(); ++s) {
    batch.segments.push_back({static_cast<int32_t>(batch.rows()), static_cast<int32_t>(prompts[s].size())});
    for (size_t t = 0; t < prompts[s].size(); ++t) {
      batch.ids.push_back(prompts[s][t]);
      batch.positions.push_back(static_cast<int32_t>(t));
    }
    batch.target_rows.push_back(static_cast<int32_t>(batch.rows() - 1));
    batch.target_ids.push_back(sampled.ids[s]);
  }
  batch.temperature = 0.7f;
  batch.kept_begin = sampled.kept_begin;
  batch.kept_ids = sampled.kept_ids;
  EXPECT_EQ(model->score(batch).logp, sampled.logp);
}

TEST(Equality, SplitAccumulationContinuesTheSameChain) {
  const auto backend = nn::make_cpu_backend();
  for (const Arch& arch : tiny_families()) {
    const auto model = tiny_model(*backend, arch);
    const Rows sequences = random_sequences(arch, 9, 2, 30);
    Learner whole(*model, {}), split(*model, {}), again(*model, {.recompute = true});
    const TrainBatch all = pack(sequences);
    const auto give = [](const TrainBatch& batch) {
      return [&batch](const Scores&) { return any_coefficients(batch); };
    };
    whole.accumulate(all, give(all));
    again.accumulate(all, give(all));
    for (size_t begin = 0; begin < sequences.size(); begin += 2) {
      Rows part(sequences.begin() + static_cast<std::ptrdiff_t>(begin),
                sequences.begin() + static_cast<std::ptrdiff_t>(std::min(sequences.size(), begin + 2)));
      const TrainBatch batch = pack(part);
      split.accumulate(batch, give(batch));
    }
    EXPECT_EQ(all_gradients(*model, whole), all_gradients(*model, split)) << arch.family;
    EXPECT_EQ(all_gradients(*model, whole), all_gradients(*model, again)) << arch.family << ", recomputed";
  }
}

TEST(Equality, StoredSixteenBitWeightsSampleAndScoreTheSameAndTheMasterKeepsFullPrecision) {
  const auto backend = nn::make_cpu_backend();
  const Arch arch = tiny_arch();
  const auto master = tiny_model(*backend, arch, 1, DType::bf16);
  const auto full = tiny_model(*backend, arch);
  EXPECT_EQ(all_weights(*master), all_weights(*full));
  Transformer frozen(*backend, arch, DType::bf16, nn::Use::inference);
  frozen.copy_weights_from(*master);
  const TrainBatch batch = pack(random_sequences(arch, 4, 5, 20));
  EXPECT_EQ(frozen.score(batch).logp, master->score(batch).logp);
  EXPECT_NE(frozen.score(batch).logp, full->score(batch).logp);
}

}  // namespace
}  // namespace posttrain::model
