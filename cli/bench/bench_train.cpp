// Times a training step of random weights on random tokens, the loss on every token.
#include <memory>

#include "base/rng.h"
#include "cli/arguments.h"
#include "cli/bench/bench.h"
#include "model/learner.h"

namespace posttrain::cli {
namespace {

model::TrainBatch random_batch(const model::Arch& arch, int64_t sequences, int64_t length) {
  model::TrainBatch batch;
  Rng rng({1, hash_name("bench")});
  for (int64_t s = 0; s < sequences; ++s) {
    batch.segments.push_back({static_cast<int32_t>(batch.rows()), static_cast<int32_t>(length)});
    for (int64_t t = 0; t < length; ++t) {
      batch.target_rows.push_back(static_cast<int32_t>(batch.rows()));
      batch.target_ids.push_back(static_cast<int32_t>(rng.integer(0, arch.vocab - 1)));
      batch.ids.push_back(static_cast<int32_t>(rng.integer(0, arch.vocab - 1)));
      batch.positions.push_back(static_cast<int32_t>(t));
    }
  }
  return batch;
}

}  // namespace

Action bench_train_command(Arguments& args) {
  struct BenchTrainGiven {
    std::string shape = "tiny-1m";
    int64_t sequences = 0, length = 0, runs = 5, beside = 0;
    bool json = false, recompute = false;
  };
  auto given = std::make_shared<BenchTrainGiven>();
  args.option("--shape", given->shape, "tiny-89k, tiny-1m or smollm2-135m");
  args.option("--sequences", given->sequences, "Sequences a step (0: 32, or 8 for smollm2-135m)",
              {.min = 0, .max = 65536});
  args.option("--length", given->length, "Tokens a sequence (0: 96, or 128 for smollm2-135m)",
              {.min = 0, .max = 1 << 24});
  args.option("--runs", given->runs, "Measured steps, after one to warm up", {.min = 1, .max = 1 << 20});
  args.option("--beside", given->beside, "Each step again beside so many busy processes", {.min = 0, .max = 1024});
  args.flag("--recompute", given->recompute, "Keep block inputs only, compute the rest again in the backward");
  args.flag("--json", given->json, "One JSON object");
  args.example("posttrain bench train --shape smollm2-135m --json");
  return [given] {
    const model::Arch arch = bench_arch(given->shape);
    const bool large = arch.layers >= 30;
    const int64_t sequences = given->sequences > 0 ? given->sequences : (large ? 8 : 32);
    const int64_t length = given->length > 0 ? given->length : (large ? 128 : 96);
    Neighbours neighbours(given->beside);
    const auto backend = nn::make_cpu_backend();
    model::Transformer transformer(*backend, arch, DType::f32, nn::Use::training);
    transformer.init_random(1, {});
    model::OptimizerSettings settings;
    settings.recompute = given->recompute;
    model::Learner learner(transformer, settings);
    const model::TrainBatch batch = random_batch(arch, sequences, length);
    const auto step = [&] {
      learner.accumulate(batch, [&](const model::Scores& s) {
        return model::Coefficients{std::vector<float>(s.logp.size(), -1.0f / static_cast<float>(s.logp.size())), {}};
      });
      learner.step(1e-4);
    };
    step();
    const Timing timing = time_runs(given->runs, step, &neighbours);
    const auto tokens = static_cast<double>(sequences * length);
    Json result;
    result["bench"] = "train";
    result["shape"] = given->shape;
    result["batch"] = sequences;
    result["length"] = length;
    print_bench(result, timing, tokens, 6.0 * static_cast<double>(bench_products(arch)) * tokens, given->json);
    return 0;
  };
}

}  // namespace posttrain::cli
