// A made-up R1-Zero run with the shape of a real one: for the report's tests, and to look at the report while
// changing it (test_store writes it where POSTTRAIN_KEEP_REPORT says).
#pragma once

#include <cmath>
#include <string>

#include "base/rng.h"
#include "store/store.h"

namespace posttrain::store {

inline SampleRow synthetic_sample(Rng& rng, double skill, int a, int b, int c) {
  const int first = (a + b) % 10, answer = first * c % 10;
  const bool thinks = rng.chance(0.3 + 0.7 * skill), right = rng.chance(0.2 + 0.78 * skill);
  const int said = right ? answer : (answer + 1 + static_cast<int>(rng.integer(0, 8))) % 10;
  const auto text = [](int n) { return std::to_string(n); };
  SampleRow s;
  s.completion = "<think>";
  if (thinks) {
    s.completion += text(a) + "+" + text(b) + "=" + text(first) + ";";
    if (rng.chance(0.2)) s.completion += text(first) + "*" + text(c) + "=" + text((answer + 3) % 10) + " wait, ";
    s.completion += text(first) + "*" + text(c) + "=" + text(said);
  }
  s.completion += "</think>";
  const bool well_formed = rng.chance(0.75 + 0.25 * skill);
  s.completion += well_formed ? "<answer>" + text(said) + "</answer><eos>" : "<answer>" + text(said) + "<eos>";
  s.completion_tokens = thinks ? 20 + rng.integer(0, 12) : 8;
  s.finish = rng.chance(0.02) ? "length" : "stop";
  const bool counted = right && well_formed;
  s.parts = {{"answer", counted ? 1.0 : 0.0, 1, counted ? "right" : "wrong",
              well_formed ? "read " + text(said) : "no closed <answer>"},
             {"format", well_formed ? 1.0 : 0.0, 0.5, well_formed ? "right" : "wrong", ""}};
  s.verdict = counted ? "right" : "wrong";
  s.reward = s.parts[0].value + 0.5 * s.parts[1].value;
  s.logp_sum = -3.1;
  return s;
}

inline Group synthetic_group(Rng& rng, double skill, int samples) {
  const auto digit = [&] { return static_cast<int>(rng.integer(1, 9)); };
  const int a = digit(), b = digit(), c = digit();
  Group group{"<bos>" + std::to_string(a) + "+" + std::to_string(b) + "*" + std::to_string(c) + "=",
              std::to_string((a + b) % 10 * c % 10),
              {}};
  for (int k = 0; k < samples; ++k) group.samples.push_back(synthetic_sample(rng, skill, a, b, c));
  double mean = 0;
  for (const SampleRow& s : group.samples) mean += s.reward / samples;
  for (SampleRow& s : group.samples) s.advantage = s.reward - mean;
  return group;
}

inline double synthetic_skill(double step) {
  return 1 / (1 + std::exp(-(step - 18) / 6));
}

inline EvalRecord synthetic_eval(int stage, int64_t step, const std::string& role) {
  const double skill = synthetic_skill(static_cast<double>(step));
  EvalRecord eval{stage, step, "mod", role, 256, 16, {}, {}};
  eval.metrics = {{"pass@1", 0.256 + 0.69 * skill},
                  {"cons@16", 0.59 + 0.41 * skill},
                  {"pass@16", 0.986 + 0.014 * skill},
                  {"mean_length", 11.5 + 14.8 * skill},
                  {"format", 0.79 + 0.2 * skill}};
  for (uint64_t p = 0; p < 12; ++p) {
    Rng problem({p});  // the same operands in every evaluation, other samples
    Group group = synthetic_group(problem, 0, 0);
    Rng rng({p, static_cast<uint64_t>(step)});
    const int a = group.prompt[5] - '0', b = group.prompt[7] - '0', c = group.prompt[9] - '0';
    for (int k = 0; k < 4; ++k) group.samples.push_back(synthetic_sample(rng, skill, a, b, c));
    eval.groups.push_back(std::move(group));
  }
  return eval;
}

inline StepRecord synthetic_grpo_step(int stage, int64_t step) {
  Rng rng({static_cast<uint64_t>(step), 77});
  const double skill = synthetic_skill(static_cast<double>(step)), noise = rng.normal();
  StepRecord r{stage, step, {}, {}, {}, {}};
  r.metrics = {{"reward", 0.55 + 0.9 * skill + 0.05 * noise},
               {"rewards/answer/mean", 0.25 + 0.7 * skill + 0.04 * noise},
               {"rewards/format/mean", 0.75 + 0.24 * skill + 0.02 * noise},
               {"reward_std", 0.5 - 0.4 * skill},
               {"loss", 0.02 * rng.normal()},
               {"completions/mean_length", 11.5 + 14.8 * skill + 0.4 * rng.normal()},
               {"completions/clipped_ratio", 0.01 * rng.uniform()},
               {"frac_reward_zero_std", std::floor(6.5 * skill) / 16},
               {"entropy", 0.3 * (1 - skill) + 0.022},
               {"kl", 0.02 * skill + 0.001 * rng.uniform()},
               {"grad_norm", 0.4 + 0.3 * rng.uniform()},
               {"learning_rate", 3e-4 * std::min(1.0, static_cast<double>(step) / 5)},
               {"clip_ratio/region_mean", 0},
               {"logp_mismatch_max", 0},
               {"num_tokens", 477000.0 / 80 * static_cast<double>(step)},
               {"timing_s/step", 0.7 + 0.05 * rng.normal()},
               {"timing_s/gen", 0.31},
               {"perf/rollout_tokens_per_second", 2400 + 900 * rng.normal()},
               {"perf/update_tokens_per_second", 4400 + 900 * rng.normal()}};
  const double t = 0.7 * static_cast<double>(step);
  r.spans = {{"rollout", 0, t, t + 0.31},
             {"reward", 0, t + 0.31, t + 0.33},
             {"update", 0, t + 0.33, t + 0.66},
             {"save", 0, t + 0.66, t + 0.7}};
  for (int g = 0; g < 16; ++g) r.groups.push_back(synthetic_group(rng, skill, 16));
  if (step == 44) r.alerts = {{"no-spread", "half of the groups have no spread: the problems are getting too easy"}};
  return r;
}

// base (sft) and zero (grpo, up to `steps` of 80).
inline void write_synthetic_run(Store& store, int64_t steps) {
  store.begin_run(
      {"r1-zero", "0.1.0", 7,
       R"({"name": "r1-zero", "seed": 7, "stages": [{"name": "base", "type": "sft"}, {"name": "zero", "type": "grpo", "preset": "r1-zero"}]})",
       R"({"cpus": 2, "model": "Xeon", "kernels": "avx512"})"});
  store.begin_stage({0, "base", "sft", "", 400});
  for (int64_t s = 1; s <= 400; ++s) {
    Rng rng({static_cast<uint64_t>(s), 5});
    const double x = static_cast<double>(s);
    StepRecord r{0, s, {}, {}, {}, {}};
    r.metrics = {{"loss", 0.72 + 2.6 * std::exp(-x / 90) + 0.03 * rng.normal()},
                 {"mean_token_accuracy", 0.72 - 0.6 * std::exp(-x / 120) + 0.01 * rng.normal()},
                 {"grad_norm", 0.3 + 2 * std::exp(-x / 60) + 0.1 * rng.uniform()},
                 {"learning_rate", 4e-3 * (x < 40 ? x / 40 : 0.05 + 0.475 * (1 + std::cos(3.14159 * (x - 40) / 360)))},
                 {"perf/update_tokens_per_second", 62000 + 2500 * rng.normal()},
                 {"timing_s/step", 0.06}};
    r.spans = {{"update", 0, 0.06 * x, 0.06 * x + 0.055}};
    store.write_step(r);
  }
  store.finish_stage(0, "done", 61.2, "checkpoints/base");
  store.begin_stage({1, "zero", "grpo", "base", 80});
  store.write_eval(synthetic_eval(1, 0, "base"));
  for (int64_t s = 1; s <= steps; ++s) {
    store.write_step(synthetic_grpo_step(1, s));
    if (s % 10 == 0) store.write_eval(synthetic_eval(1, s, s == 80 ? "final" : ""));
  }
  if (steps < 80) return;
  store.finish_stage(1, "done", 56.4, "checkpoints/zero");
  store.finish_run("done", 117.6);
}

}  // namespace posttrain::store
