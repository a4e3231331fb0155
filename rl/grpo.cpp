#include "rl/grpo.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "model/memory_plan.h"
#include "rl/policy_update.h"
#include "rl/rollout_source.h"

namespace posttrain::rl {
namespace {

void write_step_time(store::Metrics& metrics, double seconds) {
  double tokens = 0;
  for (const auto& [name, value] : metrics) {
    if (name == "perf/total_num_tokens") tokens = value;
  }
  metrics.insert(metrics.end(), {{"step_time", seconds},
                                 {"timing_s/step", seconds},
                                 {"perf/time_per_step", seconds},
                                 {"perf/throughput", tokens / std::max(seconds, 1e-9)}});
}

}  // namespace

GrpoTrainer::GrpoTrainer(const GrpoContext& context, const GrpoSettings& settings)
    : context_(context), settings_(settings) {
  PT_ASSERT(settings.objective.beta == 0 || context.reference != nullptr || context.learner.lora() != nullptr,
            settings.objective.beta);
  if (settings_.micro_batch_tokens == 0)
    settings_.micro_batch_tokens = model::default_micro_batch_rows(context.policy.arch(), settings_.training.recompute);
  source_ = std::make_unique<RolloutSource>(context_, settings_);
}

GrpoTrainer::~GrpoTrainer() = default;

bool GrpoTrainer::resumable_at(int64_t step) const {
  return settings_.staleness == 0 || step == 0 ||
         (context_.checkpoint_every > 0 && step % context_.checkpoint_every == 0);
}

Json GrpoTrainer::cursor() const {
  return source_->cursor();
}

void GrpoTrainer::restore(const Json& cursor) {
  source_->restore(cursor);
}

void GrpoTrainer::update(int64_t step, GrpoStep& out, const PhaseCallback& phase) {
  const ObjectiveSettings& objective = settings_.objective;
  const double temperature = settings_.sampling.temperature > 0 ? settings_.sampling.temperature : 1;
  RolloutBatch batch(current_, settings_.truncated == Truncated::mask,
                     static_cast<double>(settings_.sampling.max_new_tokens));
  if (batch.samples.empty() && !current_.empty()) {
    throw Failure("grpo", "every reward of step " + std::to_string(step + 1) +
                              " failed: " + rewards::why_unjudged(current_.front().answers.front().outcome));
  }

  double at = out.spans.back().t1;
  const auto span = [&](const char* name, double seconds) {
    out.spans.push_back({.phase = name, .t0 = at, .t1 = at + seconds});
    at += seconds;
  };
  if (objective.beta != 0) {
    phase("reference", 0, std::ssize(batch.samples), 0);
    const Clock clock;
    const auto score = [&](model::Transformer& reference) {
      batch.score_reference(reference, temperature, settings_.micro_batch_tokens);
    };
    if (context_.reference != nullptr) {
      score(*context_.reference);
    } else {
      context_.learner.without_adapters([&] { score(context_.policy); });
    }
    out.metrics.emplace_back("timing_s/ref", clock.seconds());
    span("reference", clock.seconds());
  }
  if (settings_.staleness > 0 && objective.importance != Importance::none) {
    // The decoupled form: ratios to the weights before this update, and a weight for how far the sampler was from them.
    const Clock clock;
    batch.score_old(context_.policy, temperature, settings_.micro_batch_tokens);
    out.metrics.emplace_back("timing_s/old_log_prob", clock.seconds());
    span("old_log_prob", clock.seconds());
  }
  Clock clock;
  batch.compute_advantages(objective);
  out.metrics.emplace_back("timing_s/adv", clock.seconds());
  if (objective.entropy_coef != 0) out.metrics.emplace_back("entropy_coef", objective.entropy_coef);

  clock = Clock();
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
  sums.write(out.metrics, lr, clock.seconds());
  span("update", clock.seconds());
  out.groups = to_store(current_, batch.advantage);
}

GrpoStep GrpoTrainer::step(int64_t step, const PhaseCallback& phase) {
  GrpoStep out;
  const Clock clock;
  if (settings_.reference_refresh_steps > 0 && step > 0 && step % settings_.reference_refresh_steps == 0 &&
      context_.reference != nullptr) {
    context_.reference->blend_weights_from(context_.policy, settings_.reference_mix);
  }
  Rollout rollout = source_->take(step, phase);
  current_ = std::move(rollout.groups);
  out.metrics = std::move(rollout.metrics);
  out.spans.push_back({.phase = "rollout", .t0 = 0, .t1 = rollout.seconds});
  if (settings_.staleness > 0 && step + 1 < settings_.steps && !resumable_at(step + 1)) source_->draw_ahead(step + 1);
  update(step, out, phase);
  write_step_time(out.metrics, clock.seconds());
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
