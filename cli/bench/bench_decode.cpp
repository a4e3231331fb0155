// Times sampling token by token: one step is one token for every sequence of the batch.
#include <memory>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/bench/bench.h"
#include "model/direct_decoder.h"

namespace posttrain::cli {
namespace {

struct BenchDecodeGiven {
  std::string shape = "tiny-1m", dtype = "f32";
  int64_t batch = 0, prompt = 16, steps = 24;
  bool json = false;
};

void bench_batch(const BenchDecodeGiven& given, model::Transformer& transformer, int64_t batch) {
  const auto count = static_cast<size_t>(batch);
  model::DirectDecoder decoder(transformer, static_cast<int>(batch), given.prompt + given.steps + 2);
  std::vector<std::vector<int32_t>> next(count);
  std::vector<double> uniforms(count);
  for (size_t s = 0; s < count; ++s) {
    for (int64_t t = 0; t < given.prompt; ++t) {
      next[s].push_back(static_cast<int32_t>((static_cast<int64_t>(s) * 7 + t * 13) % transformer.arch().vocab));
    }
    uniforms[s] = (static_cast<double>(s) + 0.5) / static_cast<double>(count);
  }
  const auto step = [&] {
    const nn::Sampled sampled = decoder.append(next, {}, uniforms);
    for (size_t s = 0; s < count; ++s) next[s] = {sampled.ids[s]};
  };
  step();
  step();
  const Timing timing = time_runs(given.steps, step);
  Json result;
  result["bench"] = "decode";
  result["shape"] = given.shape;
  result["dtype"] = given.dtype;
  result["batch"] = batch;
  const auto tokens = static_cast<double>(batch);
  print_bench(result, timing, tokens, 2.0 * static_cast<double>(bench_products(transformer.arch())) * tokens,
              given.json);
}

}  // namespace

Action bench_decode_command(Arguments& args) {
  auto given = std::make_shared<BenchDecodeGiven>();
  args.option("--shape", given->shape, "tiny-89k, tiny-1m or smollm2-135m");
  args.option("--batch", given->batch, "Sequences (0: 1, 8, 32 and 64 in turn)", {.min = 0, .max = 65536});
  args.option("--prompt", given->prompt, "Tokens in the cache before the first step", {.min = 1, .max = 1 << 24});
  args.option("--steps", given->steps, "Measured steps, after two to warm up", {.min = 1, .max = 1 << 24});
  args.option("--dtype", given->dtype, "Stored weights: f32 or bf16");
  args.flag("--json", given->json, "One JSON object a batch size");
  args.example("posttrain bench decode --shape smollm2-135m --json");
  return [given] {
    if (given->dtype != "f32" && given->dtype != "bf16") throw Error("bench", "--dtype", "f32 or bf16", given->dtype);
    const auto backend = nn::make_cpu_backend();
    model::Transformer transformer(*backend, bench_arch(given->shape), given->dtype == "f32" ? DType::f32 : DType::bf16,
                                   nn::Use::inference);
    transformer.init_random(1, {});
    if (given->batch > 0) {
      bench_batch(*given, transformer, given->batch);
      return 0;
    }
    for (const int64_t batch : {1, 8, 32, 64}) bench_batch(*given, transformer, batch);
    return 0;
  };
}

}  // namespace posttrain::cli
