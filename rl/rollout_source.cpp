#include "rl/rollout_source.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "rollout/second_attempt.h"

namespace posttrain::rl {
namespace {

int64_t count_right(const rollout::ScoredGroup& group) {
  return std::ranges::count_if(group.answers, [](const auto& answer) {
    return rollout::is_scored(answer) && answer.outcome.verdict == Verdict::right;
  });
}

// Updates between the weights that drew and those that are about to be trained.
void write_staleness(store::Metrics& out, const std::vector<rollout::ScoredGroup>& groups, int64_t step) {
  double sum = 0, most = 0, count = 0;
  for (const auto& group : groups) {
    for (const auto& answer : group.answers) {
      const auto behind = static_cast<double>(step - answer.completion.policy_version);
      sum += behind;
      most = std::max(most, behind);
      count += 1;
    }
  }
  out.emplace_back("staleness/mean", sum / std::max(1.0, count));
  out.emplace_back("staleness/max", most);
}

}  // namespace

RolloutSource::RolloutSource(const GrpoContext& context, const GrpoSettings& settings)
    : context_(context), settings_(settings) {
  PT_ASSERT(settings.staleness == 0 || context.sampler != nullptr, settings.staleness);
}

RolloutSource::~RolloutSource() {
  stop_ = true;
  if (ahead_.valid()) ahead_.wait();
}

void RolloutSource::refresh_sampler(int64_t version) {
  if (context_.sampler != nullptr) context_.sampler->copy_weights_from(context_.policy);
  context_.engine.set_policy_version(version);
}

Rollout RolloutSource::take(int64_t step, const PhaseCallback& phase) {
  const Clock clock;
  Rollout rollout;
  if (ahead_.valid()) {
    phase("rollout", 0, 0, 0);
    rollout = ahead_.get();
  } else {
    refresh_sampler(step);
    rollout = draw(step, phase);
  }
  if (settings_.staleness > 0) {
    write_staleness(rollout.metrics, rollout.groups, step);
    rollout.metrics.emplace_back("timing_s/rollout_wait", clock.seconds());
  }
  rollout.seconds = clock.seconds();
  return rollout;
}

void RolloutSource::draw_ahead(int64_t step) {
  PT_ASSERT(!ahead_.valid() && context_.sampler != nullptr, step);
  refresh_sampler(step - 1);
  ahead_ = std::async(std::launch::async, [this, step] { return draw(step, {}); });
}

// The next problem of the order; those solved before are passed over, as long as there are others.
text::Problem RolloutSource::next_problem() {
  const int64_t patience = std::max<int64_t>(1000, context_.task.size(text::Split::train));
  for (int64_t tries = 0;; ++tries) {
    auto problem = context_.task.problem(text::Split::train, context_.seed ^ context_.stage,
                                         static_cast<uint64_t>(problems_drawn_++));
    if (tries >= patience || !solved_.contains(problem.id)) return problem;
    ++passed_over_;
  }
}

void RolloutSource::remember_solved(const std::vector<rollout::ScoredGroup>& groups) {
  if (!settings_.curriculum.enabled) return;
  for (const auto& group : groups) {
    const auto scored = static_cast<double>(std::ranges::count_if(group.answers, rollout::is_scored));
    const auto right = static_cast<double>(count_right(group));
    if (scored > 0 && right / scored >= settings_.curriculum.solved) solved_.insert(group.problem.id);
  }
}

// DAPO (arXiv 2503.14476, equation 11): 0 < right < answers. Where no reward judges, rewards alone tell. A group with
// both right and wrong answers but equal rewards teaches nothing either.
bool RolloutSource::teaches(const rollout::ScoredGroup& group) const {
  const FilterBy by = settings_.dynamic_sampling.by;
  if (!rewards_differ(group)) return false;
  if (by == FilterBy::reward || (by == FilterBy::automatic && !context_.judges)) return true;
  const auto right = count_right(group);
  return right > 0 && right < std::ranges::count_if(group.answers, rollout::is_scored);
}

// Groups that follow an answer which did not compile; they count as any other.
void RolloutSource::add_second_attempts(int64_t step, std::vector<rollout::ScoredGroup>& groups, RolloutMetrics& seen,
                                        const rollout::Progress& progress) {
  if (settings_.second_attempts == 0) return;
  const auto problems = rollout::second_problems(context_.collector, groups, 1, settings_.sampling.max_new_tokens,
                                                 settings_.second_attempts);
  if (problems.empty()) return;
  rollout::CollectStats stats;
  const rollout::DrawKey key{context_.seed, context_.stage ^ hash_name("second attempt"), static_cast<uint64_t>(step)};
  auto more =
      context_.collector.collect(problems, settings_.samples_per_prompt, settings_.sampling, key, stats, progress);
  seen.add_round(more, stats);
  std::ranges::move(more, std::back_inserter(groups));
}

Rollout RolloutSource::draw(int64_t step, const PhaseCallback& phase) {
  const Clock clock;
  std::vector<rollout::ScoredGroup> kept, dropped;
  RolloutMetrics seen(settings_.dynamic_sampling.enabled);
  const rollout::Progress progress = [&](int64_t tokens, int64_t finished, int64_t total) {
    if (phase) phase("rollout", finished, total, tokens);
    return !stop_.load();
  };
  passed_over_ = 0;
  const int64_t rounds = settings_.dynamic_sampling.enabled ? settings_.dynamic_sampling.max_rounds : 1;
  for (int64_t round = 0; round < rounds && std::ssize(kept) < settings_.prompts_per_step; ++round) {
    std::vector<text::Problem> problems;
    const int64_t first = problems_drawn_;
    for (int64_t i = std::ssize(kept); i < settings_.prompts_per_step; ++i) problems.push_back(next_problem());
    rollout::CollectStats stats;
    const rollout::DrawKey key{context_.seed, context_.stage, static_cast<uint64_t>(step),
                               static_cast<uint64_t>(first)};
    auto groups =
        context_.collector.collect(problems, settings_.samples_per_prompt, settings_.sampling, key, stats, progress);
    if (stop_) return {};
    seen.add_round(groups, stats);
    remember_solved(groups);
    for (auto& group : groups) {
      group.left_out = settings_.dynamic_sampling.enabled && !teaches(group);
      (group.left_out ? dropped : kept).push_back(std::move(group));
    }
  }
  // When the rounds did not give enough, the step goes on with groups that teach nothing (their advantages are 0)
  // rather than with fewer prompts.
  while (std::ssize(kept) < settings_.prompts_per_step && !dropped.empty()) {
    kept.push_back(std::move(dropped.back()));
    dropped.pop_back();
  }
  add_second_attempts(step, kept, seen, progress);
  if (stop_) return {};
  seen.add_trained(kept);
  Rollout out{.groups = std::move(kept), .metrics = {}, .seconds = clock.seconds()};
  seen.write(out.metrics, out.seconds);
  if (settings_.curriculum.enabled) {
    out.metrics.emplace_back("curriculum/solved", static_cast<double>(solved_.size()));
    out.metrics.emplace_back("curriculum/passed_over", static_cast<double>(passed_over_));
  }
  return out;
}

Json RolloutSource::cursor() const {
  PT_ASSERT(!ahead_.valid(), problems_drawn_);
  return {{"problems_drawn", problems_drawn_}, {"solved", solved_}};
}

void RolloutSource::restore(const Json& cursor) {
  problems_drawn_ = cursor.at("problems_drawn").get<int64_t>();
  solved_ = cursor.at("solved").get<std::set<std::string>>();
}

}  // namespace posttrain::rl
