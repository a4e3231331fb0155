#include "rl/grpo.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/memory_plan.h"
#include "rl/policy_update.h"

namespace posttrain::rl {
namespace {

bool has_spread(const rollout::ScoredGroup& group) {
  std::vector<double> rewards;
  for (const auto& answer : group.answers) {
    if (answer.outcome.verdict != rewards::Verdict::failed) rewards.push_back(answer.outcome.total);
  }
  return std::any_of(rewards.begin(), rewards.end(), [&](double r) { return r != rewards.front(); });
}

// Rows of activations that fit into a third of the free memory.
int64_t rows_that_fit(const model::Arch& arch) {
  return std::clamp<int64_t>(available_memory_bytes() / 3 / model::activation_bytes_per_row(arch), 256, 32768);
}

}  // namespace

GrpoTrainer::GrpoTrainer(const GrpoContext& context, const GrpoSettings& settings)
    : context_(context), settings_(settings) {
  PT_ASSERT(settings.objective.beta == 0 || context.reference != nullptr, settings.objective.beta);
  if (settings_.micro_batch_tokens == 0) settings_.micro_batch_tokens = rows_that_fit(context.policy.arch());
}

std::vector<rollout::ScoredGroup> GrpoTrainer::sample_groups(int64_t step, GrpoStep& out, const PhaseCallback& phase) {
  const Clock clock;
  std::vector<rollout::ScoredGroup> kept, flat;
  RolloutMetrics seen;
  const int64_t rounds = settings_.dynamic_sampling.enabled ? settings_.dynamic_sampling.max_rounds : 1;
  for (int64_t round = 0; round < rounds && std::ssize(kept) < settings_.prompts_per_step; ++round) {
    std::vector<text::Problem> problems;
    const int64_t first = problems_drawn_;
    for (int64_t i = std::ssize(kept); i < settings_.prompts_per_step; ++i) {
      problems.push_back(context_.task.problem(text::Split::train, context_.seed ^ context_.stage,
                                               static_cast<uint64_t>(problems_drawn_++)));
    }
    rollout::CollectStats stats;
    const rollout::DrawKey key{context_.seed, context_.stage, static_cast<uint64_t>(step),
                               static_cast<uint64_t>(first)};
    auto groups = context_.collector.collect(problems, settings_.samples_per_prompt, settings_.sampling, key, stats,
                                             [&](int64_t, int64_t finished, int64_t total) {
                                               phase("rollout", finished, total);
                                               return true;
                                             });
    seen.add(groups, stats);
    for (auto& group : groups) {
      const bool drop = settings_.dynamic_sampling.enabled && !has_spread(group);
      (drop ? flat : kept).push_back(std::move(group));
    }
  }
  // When the rounds did not give enough, the step goes on with groups that teach nothing rather than with fewer
  // prompts.
  while (std::ssize(kept) < settings_.prompts_per_step && !flat.empty()) {
    kept.push_back(std::move(flat.back()));
    flat.pop_back();
  }
  seen.write(out.metrics, clock.seconds());
  out.spans.push_back({.phase = "rollout", .t0 = 0, .t1 = clock.seconds()});
  return kept;
}

void GrpoTrainer::update(int64_t step, GrpoStep& out, const PhaseCallback& phase) {
  const ObjectiveSettings& objective = settings_.objective;
  const double temperature = settings_.sampling.temperature > 0 ? settings_.sampling.temperature : 1;
  RolloutBatch batch(current_, settings_.truncated == "mask", static_cast<double>(settings_.sampling.max_new_tokens));
  if (batch.samples.empty()) throw Failure("grpo", "every reward of step " + std::to_string(step + 1) + " failed");

  double at = out.spans.back().t1;
  const auto span = [&](const char* name, double seconds) {
    out.spans.push_back({.phase = name, .t0 = at, .t1 = at + seconds});
    at += seconds;
  };
  if (objective.beta != 0) {
    phase("reference", 0, std::ssize(batch.samples));
    const Clock clock;
    batch.score_reference(*context_.reference, temperature, settings_.micro_batch_tokens);
    out.metrics.emplace_back("timing_s/ref", clock.seconds());
    span("reference", clock.seconds());
  }
  batch.compute_advantages(objective);

  const Clock clock;
  const double lr = settings_.training.lr_at(step, settings_.steps);
  const auto sums = update_policy(context_.learner, batch, objective,
                                  {.minibatches = settings_.minibatches,
                                   .epochs = settings_.epochs,
                                   .micro_batch_tokens = settings_.micro_batch_tokens,
                                   .temperature = temperature,
                                   .lr = lr,
                                   .seed = context_.seed,
                                   .stage = context_.stage,
                                   .step = static_cast<uint64_t>(step)},
                                  phase);
  context_.engine.set_policy_version(step + 1);
  sums.write(out.metrics, lr, clock.seconds());
  span("update", clock.seconds());
  out.groups = to_store(current_, batch.advantage);
}

GrpoStep GrpoTrainer::step(int64_t step, const PhaseCallback& phase) {
  GrpoStep out;
  const Clock clock;
  if (settings_.reference_refresh_steps > 0 && step > 0 && step % settings_.reference_refresh_steps == 0 &&
      context_.reference != nullptr) {
    context_.reference->copy_weights_from(context_.policy);
  }
  current_ = sample_groups(step, out, phase);
  update(step, out, phase);
  out.metrics.emplace_back("timing_s/step", clock.seconds());
  return out;
}

Json GrpoTrainer::failed_batch() const {
  Json rows = Json::array();
  for (const auto& group : current_) {
    for (const auto& answer : group.answers) {
      rows.push_back({{"prompt", group.prompt},
                      {"completion", answer.completion.ids},
                      {"sampler_logp", answer.completion.logp},
                      {"reward", answer.outcome.total},
                      {"text", answer.text}});
    }
  }
  return rows;
}

}  // namespace posttrain::rl
