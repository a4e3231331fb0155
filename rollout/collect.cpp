#include "rollout/collect.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "base/clock.h"

namespace posttrain::rollout {

bool is_scored(const Answer& answer) {
  return answer.outcome.verdict != Verdict::failed && std::isfinite(answer.outcome.total);
}

std::vector<ScoredGroup> Collector::collect(std::span<const text::Problem> problems, int64_t samples,
                                            const SamplingSettings& sampling, const DrawKey& key, CollectStats& stats,
                                            const Progress& progress) {
  std::vector<ScoredGroup> groups;
  std::vector<Request> requests;
  for (size_t i = 0; i < problems.size(); ++i) {
    groups.push_back({.problem = problems[i], .prompt = render_(problems[i]), .answers = {}});
    groups.back().answers.resize(static_cast<size_t>(samples));
    requests.push_back({.prompt = groups.back().prompt,
                        .samples = static_cast<int32_t>(samples),
                        .key = {key.seed, key.stage, key.step, key.first_prompt + i}});
  }
  std::vector<std::future<rewards::Outcome>> outcomes(problems.size() * static_cast<size_t>(samples));
  std::vector<std::vector<rewards::OwnedSample>> waiting(problems.size());  // groups whose lengths count
  const auto submit = [&](size_t group, size_t sample, rewards::OwnedSample&& owned) {
    outcomes[group * static_cast<size_t>(samples) + sample] = pool_.submit(std::move(owned));
  };
  const auto done = [&](Completion&& completion) {
    ScoredGroup& group = groups[completion.request];
    Answer& answer = group.answers[static_cast<size_t>(completion.sample)];
    answer.completion = std::move(completion);
    const Completion& c = answer.completion;
    std::span<const int32_t> ids = c.ids;
    if (c.finish == Finish::stop_token) ids = ids.first(ids.size() - 1);
    answer.text = tokenizer_.decode(ids);
    rewards::OwnedSample sample{.prompt = group.problem.prompt,
                                .completion = answer.text,
                                .answer = group.problem.answer,
                                .extra = group.problem.extra,
                                .completion_tokens = static_cast<int64_t>(c.ids.size()),
                                .max_completion_tokens = sampling.max_new_tokens,
                                .truncated = c.truncated(),
                                .stage = occasion_.stage,
                                .split = occasion_.split,
                                .step = occasion_.step.value_or(static_cast<int64_t>(key.step) + 1)};
    if (!pool_.needs_group() && !pool_.judges_groups())
      return submit(c.request, static_cast<size_t>(c.sample), std::move(sample));
    std::vector<rewards::OwnedSample>& whole = waiting[c.request];
    whole.resize(static_cast<size_t>(samples));
    whole[static_cast<size_t>(c.sample)] = std::move(sample);
    const auto [least, most] = std::ranges::minmax_element(whole, {}, &rewards::OwnedSample::completion_tokens);
    const auto shortest = least->completion_tokens, longest = most->completion_tokens;
    if (shortest == 0) return;  // one is still being generated
    for (size_t i = 0; i < whole.size(); ++i) {
      whole[i].group_min_tokens = shortest;
      whole[i].group_max_tokens = longest;
    }
    if (pool_.judges_groups()) {
      auto judged = pool_.submit_group(std::move(whole));
      std::ranges::move(judged, outcomes.begin() + static_cast<std::ptrdiff_t>(c.request) * samples);
    } else {
      for (size_t i = 0; i < whole.size(); ++i) submit(c.request, i, std::move(whole[i]));
    }
  };
  stats.engine = engine_.generate(requests, sampling, done, progress);
  const Clock generated;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].valid()) continue;  // generation was stopped before it finished
    groups[i / static_cast<size_t>(samples)].answers[i % static_cast<size_t>(samples)].outcome = outcomes[i].get();
  }
  if (more_) more_(groups, key);
  stats.reward_wait_seconds = generated.seconds();
  return groups;
}

}  // namespace posttrain::rollout
