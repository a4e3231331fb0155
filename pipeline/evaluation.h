// How good a model is: pass@1, pass@k, majority vote, with an interval, on problems that training never sees.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/asked_problems.h"
#include "rollout/collect.h"
#include "store/records.h"

namespace posttrain::pipeline {

struct EvalSettings {
  int64_t problems = 256, samples = 16, transcripts = 8;
  std::string role;  // base | final | ""
  bool second_attempt = false;
  rollout::SamplingSettings sampling;

  void visit(Visitor& v);
};

// Fractions in [0, 1] of the answers that a judge had a word on, for n answers to each problem: "pass@1" (others say
// mean@n: the mean over problems of the share of right answers), "pass@k" for k = 2, 4, ... n (unbiased: Chen et al.
// 2021, arXiv 2107.03374, equation 1), "maj@k" for k = 4, 8, ... (majority vote over k of the answers, mean of 100
// draws; ties shared out), "cons@n" (over all of them; both only where the judge reads answers to vote on), "format",
// "unparsed". Of all answers: "truncated", "mean_length" in tokens, and where there is any "failed", the share without
// a verdict. A problem with fewer than k judged answers has no part in pass@k and its like; where more than half of the
// answers are without a verdict there are no figures of right and wrong at all.
// pass@1, pass@n and cons@n have "_low" and "_high": the 95% interval by bootstrap over problems.
store::Metrics evaluate_groups(std::span<const rollout::ScoredGroup> groups, uint64_t seed);

// False where too few answers were judged for one.
bool has_figure(const store::Metrics& metrics);

// The probability that at least one of k answers drawn without replacement from n with c right ones is right.
double pass_at_k(int64_t n, int64_t c, int64_t k);

// What an evaluation asks of a split; problems whose prompts leave no room for an answer are left out and counted.
PromptUse eval_prompts(const EvalSettings& settings, text::Split split, const char* field = "sampling.max_new_tokens");

// The problems that an evaluation asks, in order.
std::vector<text::Problem> eval_problems(const text::Task& task, const EvalSettings& settings,
                                         text::Split split = text::Split::test);

// Samples and judges a split, and fills n, k, metrics, the transcripts of the first problems, and where a judge failed
// an alert that says how often and why.
store::EvalRecord evaluate(rollout::Collector& collector, const text::Task& task, const EvalSettings& settings,
                           uint64_t seed, const rollout::Progress& progress, text::Split split = text::Split::test);

}  // namespace posttrain::pipeline
