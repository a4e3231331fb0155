#include "pipeline/recipe/speeds.h"

#include "base/clock.h"
#include "base/rng.h"
#include "model/learner.h"
#include "model/memory_plan.h"
#include "nn/measure.h"
#include "rollout/engine.h"

namespace posttrain::pipeline {
namespace {

constexpr int64_t timed_parameters = 20'000'000;

// Passes timed until 0.1 s are over, after one to warm up.
template <class Pass>
double tokens_per_second(double tokens, const Pass& pass) {
  pass();
  const Clock clock;
  double done = 0;
  while (clock.seconds() < 0.1) {
    pass();
    done += tokens;
  }
  return done / clock.seconds();
}

model::TrainBatch random_batch(const model::Arch& arch, int32_t sequences, int32_t length) {
  model::TrainBatch batch;
  Rng rng({hash_name("plan")});
  for (int32_t s = 0; s < sequences; ++s) {
    batch.segments.push_back({.begin = s * length, .length = length});
    for (int32_t t = 0; t < length; ++t) {
      batch.target_rows.push_back(s * length + t);
      batch.target_ids.push_back(static_cast<int32_t>(rng.integer(0, arch.vocab - 1)));
      batch.ids.push_back(static_cast<int32_t>(rng.integer(0, arch.vocab - 1)));
      batch.positions.push_back(t);
    }
  }
  return batch;
}

}  // namespace

Speeds measure_speeds(nn::Backend& backend, const model::Arch& arch) {
  if (model::parameter_count(arch) > timed_parameters) {
    // Half of the peak in products of 2 floating-point operations a parameter, three times that to train.
    const double flops = nn::measure_machine().peak_gflops * 1e9 / 2;
    const double forward = flops / (2 * static_cast<double>(model::parameter_count(arch)));
    return {forward / 3, forward, forward / 2};
  }
  model::Transformer transformer(backend, arch, DType::f32, nn::Use::training);
  transformer.init_random(1, {});
  model::Learner learner(transformer, {});
  constexpr int32_t sequences = 32, length = 48;
  const auto batch = random_batch(arch, sequences, length);
  const double tokens = static_cast<double>(batch.rows());
  Speeds speeds;
  speeds.train = tokens_per_second(tokens, [&] {
    learner.accumulate(batch, [](const model::Scores& s) {
      return model::Coefficients{.dlogp = std::vector<float>(s.logp.size(), -1e-3f), .dentropy = {}};
    });
    learner.step(0);
  });
  speeds.score = tokens_per_second(tokens, [&] { transformer.score(batch); });
  rollout::Engine engine(transformer, {}, {});
  std::vector<rollout::Request> requests;
  for (uint64_t i = 0; i < 8; ++i) requests.push_back({.prompt = {1, 2, 3, 4}, .samples = 16, .key = {1, 2, 3, i}});
  const rollout::SamplingSettings sampling{.max_new_tokens = 24};
  speeds.sample =
      tokens_per_second(8 * 16 * 24, [&] { engine.generate(requests, sampling, [](rollout::Completion&&) {}); });
  return speeds;
}

}  // namespace posttrain::pipeline
