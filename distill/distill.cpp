#include "distill/distill.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/shuffle.h"

namespace posttrain::distill {

void DistillSettings::visit(Visitor& v) {
  v("steps", steps, {.doc = "Optimizer steps", .min = 0, .unit = "steps"});
  v("prompts_per_step", prompts_per_step, {.doc = "Answers in a step, each to a problem of its own", .min = 1});
  v("on_policy_share", on_policy_share,
    {.doc = "Share of the steps on the student's own answers (GKD's lambda); the others take `data`",
     .min = 0,
     .max = 1});
  v("loss", loss,
    {.doc = "Match the whole distribution, or reinforce drawn tokens by log teacher - log student (MiniLLM)"});
  v("beta", beta,
    {.doc = "0 is KL(teacher || student), 1 KL(student || teacher), between them the generalised Jensen-Shannon",
     .min = 0,
     .max = 1});
  v("gamma", gamma, {.doc = "With policy_gradient: weight of what follows a token", .min = 0, .max = 1});
  v("top_k", top_k,
    {.doc = "Off-policy: keep the teacher's likeliest tokens on disk instead of the teacher; 0 = the teacher itself",
     .min = 0});
  v("micro_batch_tokens", micro_batch_tokens,
    {.doc = "Most rows in one forward and backward", .min = 1, .unit = "tokens"});
  v("sampling", sampling, {.doc = "How the student draws; divergences are taken at the same temperature"});
  v("engine", engine, {.doc = "The rollout engine's sizes"});
  v("training", training, {.doc = "Optimizer and learning rate"});
}

void DistillSettings::check(const Complain& complain) const {
  if (top_k > 0 && on_policy_share > 0) complain("top_k", "expected 0 where steps are on-policy: the teacher is there");
  const DistillSettings usual;
  const bool reinforces = loss == DistillLoss::policy_gradient;
  if (beta != usual.beta && reinforces) complain("beta", "acts only with loss divergence");
  if (gamma != usual.gamma && !reinforces) complain("gamma", "acts only with loss policy_gradient");
  training.check_warmup(steps, complain);
  if (reinforces && on_policy_share < 1) {
    complain("loss", "expected divergence where answers are not the student's own");
  }
  if (!(sampling.temperature > 0)) complain("sampling.temperature", "expected above 0");
}

std::vector<rollout::TrainSample> samples_of(const std::vector<Example>& examples) {
  std::vector<rollout::TrainSample> samples;
  for (const Example& example : examples) samples.push_back({&example.prompt, &example.completion});
  return samples;
}

std::vector<double> discounted_means(std::span<const double> r, double gamma) {
  std::vector<double> out(r.size());
  double sum = 0, discounts = 0;
  for (size_t t = r.size(); t-- > 0;) {
    sum = r[t] + gamma * sum;
    discounts = 1 + gamma * discounts;
    out[t] = sum / discounts;
  }
  return out;
}

DistillTrainer::DistillTrainer(const DistillContext& context, const DistillSettings& settings)
    : context_(context), settings_(settings) {
  PT_ASSERT(context.teacher != nullptr || (context.cache != nullptr && settings.on_policy_share == 0),
            settings.on_policy_share);
  if (settings.on_policy_share < 1 && context.examples.empty()) {
    throw Error("distill", "data", "answers to learn from where on_policy_share is below 1", "none");
  }
}

bool DistillTrainer::on_policy(int64_t step) const {
  return Rng({context_.seed, context_.stage, hash_name("distill/on_policy"), static_cast<uint64_t>(step)})
      .chance(settings_.on_policy_share);
}

std::vector<rollout::ScoredGroup> DistillTrainer::sample(int64_t step, DistillStep& out) {
  const Clock clock;
  std::vector<text::Problem> problems;
  const int64_t first = step * settings_.prompts_per_step;
  for (int64_t i = first; i < first + settings_.prompts_per_step; ++i) {
    problems.push_back(
        context_.task.problem(text::Split::train, context_.seed ^ context_.stage, static_cast<uint64_t>(i)));
  }
  rollout::CollectStats stats;
  auto groups = context_.collector.collect(problems, 1, settings_.sampling,
                                           {context_.seed, context_.stage, static_cast<uint64_t>(step), 0}, stats);
  double length = 0, reward = 0, scored = 0, right = 0, judged = 0, truncated = 0;
  const auto n = static_cast<double>(groups.size());
  for (const auto& group : groups) {
    const auto& answer = group.answers.front();
    length += static_cast<double>(answer.completion.ids.size()) / n;
    right += answer.outcome.verdict == Verdict::right;
    judged += is_judged(answer.outcome.verdict);
    if (rollout::is_scored(answer)) {
      reward += answer.outcome.total;
      scored += 1;
    }
    truncated += answer.completion.truncated() / n;
  }
  out.metrics.insert(out.metrics.end(), {{"completions/mean_length", length},
                                         {"completions/clipped_ratio", truncated},
                                         {"verdicts/failed_ratio", 1 - scored / std::max(1.0, n)},
                                         {"timing_s/gen", clock.seconds()}});
  if (scored > 0) out.metrics.emplace_back("reward", reward / scored);
  if (judged > 0) out.metrics.emplace_back("accuracy", right / judged);
  out.spans.push_back({.phase = "rollout", .t0 = 0, .t1 = clock.seconds()});
  return groups;
}

double DistillTrainer::match(std::span<const rollout::TrainSample> samples, const model::TrainBatch& batch,
                             std::span<const size_t> cached, double tokens) {
  PT_ASSERT(cached.empty() || cached.size() == samples.size(), cached.size(), samples.size());
  const std::vector<float> weight(static_cast<size_t>(batch.targets()), static_cast<float>(1 / tokens));
  nn::Likeliest named;
  nn::TeacherRows teacher;
  if (context_.cache != nullptr && !cached.empty()) {
    named = context_.cache->rows(cached);
    teacher = {.begin = named.begin, .ids = named.ids, .logp = named.logp};
  } else {
    teacher = context_.teacher->teacher_rows(batch);
  }
  double loss = 0;
  for (const float d : context_.learner.distill(batch, teacher, settings_.beta, weight)) loss += double{d} / tokens;
  return loss;
}

double DistillTrainer::reinforce(std::span<const rollout::TrainSample> samples, const model::TrainBatch& batch,
                                 double tokens) {
  const auto teacher = context_.teacher->score(batch).logp;
  double gap = 0;  // log student - log teacher of what was drawn: an unbiased estimate of the reverse KL
  context_.learner.accumulate(batch, [&](const model::Scores& student) {
    model::Coefficients out;
    size_t at = 0;
    for (const auto& sample : samples) {
      std::vector<double> r;
      for (size_t t = 0; t < sample.completion->ids.size(); ++t, ++at) {
        r.push_back(double{teacher[at]} - double{student.logp[at]});
        gap -= r.back() / tokens;
      }
      for (const double a : discounted_means(r, settings_.gamma)) out.dlogp.push_back(static_cast<float>(-a / tokens));
    }
    return out;
  });
  return gap;
}

double DistillTrainer::update(std::span<const rollout::TrainSample> samples, std::span<const size_t> cached) {
  double tokens = 0, loss = 0;
  for (const auto& sample : samples) tokens += static_cast<double>(sample.completion->ids.size());
  if (tokens == 0) throw Failure("distill", "answers without a token");
  for (const auto& [first, last] : rollout::micro_batches(samples, settings_.micro_batch_tokens)) {
    const auto some = samples.subspan(first, last - first);
    const auto batch = rollout::pack_samples(samples, first, last, settings_.sampling.temperature);
    loss += settings_.loss == DistillLoss::policy_gradient
                ? reinforce(some, batch, tokens)
                : match(some, batch, cached.empty() ? cached : cached.subspan(first, last - first), tokens);
  }
  if (!std::isfinite(loss)) throw Failure("distill", "loss", "a finite divergence", std::to_string(loss));
  return loss;
}

DistillStep DistillTrainer::step(int64_t step) {
  const Clock clock;
  DistillStep out;
  std::vector<rollout::ScoredGroup> groups;
  std::vector<size_t> chosen;
  std::vector<rollout::TrainSample> samples;
  const bool own = on_policy(step);
  if (own) {
    groups = sample(step, out);
    for (const auto& group : groups) samples.push_back({&group.prompt, &group.answers.front().completion});
  } else {
    chosen = drawn_in_passes(context_.examples.size(), step * settings_.prompts_per_step, settings_.prompts_per_step,
                             context_.seed, context_.stage, context_.in_file_order);
    for (const size_t i : chosen) samples.push_back({&context_.examples[i].prompt, &context_.examples[i].completion});
  }
  const double sampled = clock.seconds();
  const double loss = update(samples, chosen);
  const double lr = settings_.training.lr_at(step, settings_.steps);
  const auto result = context_.learner.step(lr);
  double tokens = 0;
  for (const auto& s : samples) tokens += static_cast<double>(s.completion->ids.size());
  out.spans.push_back({.phase = "update", .t0 = sampled, .t1 = clock.seconds()});
  out.metrics.insert(out.metrics.end(), {{"loss", loss},
                                         {"distill/on_policy", own ? 1.0 : 0.0},
                                         {"grad_norm", result.grad_norm},
                                         {"learning_rate", lr},
                                         {"num_tokens", tokens},
                                         {"timing_s/update_actor", clock.seconds() - sampled},
                                         {"timing_s/step", clock.seconds()},
                                         {"perf/max_memory_gb", static_cast<double>(peak_memory_bytes()) / 1e9}});
  return out;
}

}  // namespace posttrain::distill
