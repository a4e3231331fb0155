// Times a GRPO step: sampling groups and one update on them, with random weights, prompts and rewards.
#include <memory>

#include "base/clock.h"
#include "base/median.h"
#include "base/rng.h"
#include "cli/arguments.h"
#include "cli/bench/bench.h"
#include "model/learner.h"
#include "rl/policy_update.h"
#include "rollout/engine.h"

namespace posttrain::cli {
namespace {

struct BenchGrpoGiven {
  std::string shape = "tiny-1m";
  int64_t prompts = 4, samples = 8, prompt_tokens = 32, new_tokens = 64, runs = 5, beside = 0;
  bool json = false;
};

// One policy and its optimizer; every step samples with the weights that the step before left.
class StepBench {
 public:
  StepBench(const BenchGrpoGiven& given, nn::Backend& backend, const Neighbours& neighbours)
      : given_(given),
        neighbours_(neighbours),
        policy_(backend, bench_arch(given.shape), DType::f32, nn::Use::training),
        learner_((policy_.init_random(1, {}), policy_), {}),
        engine_(policy_, {}, {}) {}

  void step() {
    const Clock clock;
    std::vector<rollout::ScoredGroup> groups(static_cast<size_t>(given_.prompts));
    std::vector<rollout::Request> requests;
    Rng rng({++steps_});
    for (auto& group : groups) {
      for (int64_t t = 0; t < given_.prompt_tokens; ++t) {
        group.prompt.push_back(static_cast<int32_t>(rng.integer(0, policy_.arch().vocab - 1)));
      }
      group.answers.resize(static_cast<size_t>(given_.samples));
      for (auto& answer : group.answers) answer.outcome = {.total = rng.uniform(), .verdict = Verdict::right};
      requests.push_back(
          {.prompt = group.prompt, .samples = static_cast<int32_t>(given_.samples), .key = {steps_, requests.size()}});
    }
    engine_.generate(requests, {.max_new_tokens = given_.new_tokens}, [&](rollout::Completion&& c) {
      groups[c.request].answers[static_cast<size_t>(c.sample)].completion = std::move(c);
    });
    if (!neighbours_.busy()) rollout_seconds_.push_back(clock.seconds());
    rl::RolloutBatch batch(groups, false, static_cast<double>(given_.new_tokens));
    auto objective = rl::objective_preset("dapo");
    batch.compute_advantages(objective);
    const auto sums =
        rl::update_policy(learner_, batch, objective, {.lr = 1e-6}, [](const char*, int64_t, int64_t, int64_t) {});
    mismatch_ = std::max(mismatch_, sums.mismatch_max);
  }

  double rollout_median() const { return median(rollout_seconds_); }
  double mismatch() const { return mismatch_; }
  const model::Arch& arch() const { return policy_.arch(); }

 private:
  const BenchGrpoGiven& given_;
  const Neighbours& neighbours_;
  model::Transformer policy_;
  model::Learner learner_;
  rollout::Engine engine_;
  uint64_t steps_ = 0;
  std::vector<double> rollout_seconds_;
  double mismatch_ = 0;
};

int bench(const BenchGrpoGiven& given) {
  Neighbours neighbours(given.beside);
  const auto backend = nn::make_cpu_backend();
  StepBench bench(given, *backend, neighbours);
  if (given.runs > 1) bench.step();
  const Timing timing = time_runs(
      given.runs, [&] { bench.step(); }, &neighbours);
  const auto sequences = static_cast<double>(given.prompts * given.samples);
  const double sampled = sequences * static_cast<double>(given.new_tokens);
  const double rows = sampled + static_cast<double>(given.prompts * given.prompt_tokens);
  Json result;
  result["bench"] = "grpo-step";
  result["shape"] = given.shape;
  result["batch"] = given.prompts * given.samples;
  result["prompt_tokens"] = given.prompt_tokens;
  result["new_tokens"] = given.new_tokens;
  result["rollout_seconds"] = bench.rollout_median();
  result["rollout_tokens_per_s"] = sampled / bench.rollout_median();
  result["logp_mismatch_max"] = bench.mismatch();
  // One pass to sample, three to train.
  const double flops = 2.0 * static_cast<double>(bench_products(bench.arch())) * 4 * rows;
  print_bench(std::move(result), timing, rows, flops, given.json);
  return 0;
}

}  // namespace

Action bench_grpo_command(Arguments& args) {
  auto given = std::make_shared<BenchGrpoGiven>();
  args.option("--shape", given->shape, "tiny-89k, tiny-1m or smollm2-135m");
  args.option("--prompts", given->prompts, "Groups in a step", {.min = 1, .max = 65536});
  args.option("--samples", given->samples, "Answers of a group", {.min = 1, .max = 65536});
  args.option("--prompt-tokens", given->prompt_tokens, "Length of a prompt", {.min = 1, .max = 1 << 24});
  args.option("--new-tokens", given->new_tokens, "Length of an answer", {.min = 1, .max = 1 << 24});
  args.option("--runs", given->runs, "Measured steps, after one to warm up", {.min = 1, .max = 1 << 20});
  args.option("--beside", given->beside, "Each step again beside so many busy processes", {.min = 0, .max = 1024});
  args.flag("--json", given->json, "One JSON object");
  args.example(
      "posttrain bench grpo-step --shape smollm2-135m --prompts 8 --samples 8 --prompt-tokens 64 --new-tokens 128 "
      "--runs 1");
  return [given] { return bench(*given); };
}

}  // namespace posttrain::cli
