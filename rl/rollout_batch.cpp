#include "rl/rollout_batch.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace posttrain::rl {

RolloutBatch::RolloutBatch(const std::vector<rollout::ScoredGroup>& groups, bool mask_truncated,
                           double max_completion_tokens) {
  objective.max_completion_tokens = max_completion_tokens;
  objective.begin.push_back(0);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const auto& answer : groups[g].answers) {
      const rollout::Completion& c = answer.completion;
      const bool valid = answer.outcome.verdict != Verdict::failed && std::isfinite(answer.outcome.total);
      scored.push_back({.group = static_cast<int32_t>(g),
                        .reward = answer.outcome.total,
                        .length = static_cast<double>(c.ids.size()),
                        .valid = valid});
      for (const auto& part : answer.outcome.parts) {
        scored.back().parts.push_back(part.value);
        scored.back().part_weights.push_back(part.weight);
      }
      if (!valid) continue;
      samples.push_back({&groups[g].prompt, &c});
      answers.push_back(&answer);
      objective.begin.push_back(objective.begin.back() + std::ssize(c.ids));
      objective.group.push_back(static_cast<int32_t>(g));
      objective.old_logp.insert(objective.old_logp.end(), c.logp.begin(), c.logp.end());
      objective.mask.insert(objective.mask.end(), c.ids.size(), mask_truncated && c.truncated() ? 0 : 1);
    }
  }
}

namespace {

std::vector<double> score(model::Transformer& model, std::span<const rollout::TrainSample> samples, double temperature,
                          int64_t micro_batch_tokens) {
  std::vector<double> logp;
  for (const auto& [first, last] : rollout::micro_batches(samples, micro_batch_tokens)) {
    const auto scores = model.score(rollout::pack_samples(samples.subspan(first, last - first), temperature));
    logp.insert(logp.end(), scores.logp.begin(), scores.logp.end());
  }
  return logp;
}

}  // namespace

void RolloutBatch::score_reference(model::Transformer& reference, double temperature, int64_t micro_batch_tokens) {
  objective.ref_logp = score(reference, samples, temperature, micro_batch_tokens);
}

void RolloutBatch::score_old(model::Transformer& policy, double temperature, int64_t micro_batch_tokens) {
  objective.sampler_logp = std::exchange(objective.old_logp, score(policy, samples, temperature, micro_batch_tokens));
}

void RolloutBatch::compute_advantages(const ObjectiveSettings& settings) {
  const bool penalty = settings.kl_in == "reward" && settings.beta != 0;
  const auto kl = [&](int64_t t) { return settings.beta * (objective.old_logp[t] - objective.ref_logp[t]); };
  std::vector<ScoredSample> penalised = scored;
  size_t sample = 0;
  for (ScoredSample& s : penalised) {
    if (!s.valid) continue;
    for (int64_t t = objective.begin[sample]; penalty && t < objective.begin[sample + 1]; ++t) s.reward -= kl(t);
    ++sample;
  }
  advantage = advantages(settings, penalised);
  objective.advantage.clear();
  sample = 0;
  for (size_t i = 0; i < scored.size(); ++i) {
    if (!scored[i].valid) continue;
    const int64_t length = objective.begin[sample + 1] - objective.begin[sample];
    objective.advantage.insert(objective.advantage.end(), static_cast<size_t>(length), advantage[i]);
    ++sample;
  }
  if (settings.advantage == "reinforce++" && penalty) whiten_returns(penalised, kl);
}

// REINFORCE++ takes the penalty off token by token: a token's return is what follows of it. `penalised` are the returns
// of the first tokens.
void RolloutBatch::whiten_returns(std::span<const ScoredSample> penalised, const std::function<double(int64_t)>& kl) {
  size_t sample = 0;
  for (const ScoredSample& s : penalised) {
    if (!s.valid) continue;
    double left = s.reward;
    for (int64_t t = objective.begin[sample]; t < objective.begin[sample + 1]; ++t) {
      objective.advantage[t] = left;
      left += kl(t);
    }
    ++sample;
  }
  const std::vector<double> counts(objective.mask.begin(), objective.mask.end());
  objective.advantage = whitened(objective.advantage, counts);
}

ObjectiveBatch RolloutBatch::part(std::span<const int64_t> indices) const {
  ObjectiveBatch out;
  out.max_completion_tokens = objective.max_completion_tokens;
  out.begin.push_back(0);
  for (const int64_t i : indices) {
    const int64_t begin = objective.begin[i], end = objective.begin[i + 1];
    const auto take = [&](auto& to, const auto& from) {
      if (!from.empty()) to.insert(to.end(), from.begin() + begin, from.begin() + end);
    };
    out.begin.push_back(out.begin.back() + end - begin);
    out.group.push_back(objective.group[i]);
    take(out.advantage, objective.advantage);
    take(out.old_logp, objective.old_logp);
    take(out.sampler_logp, objective.sampler_logp);
    take(out.ref_logp, objective.ref_logp);
    take(out.mask, objective.mask);
  }
  return out;
}

}  // namespace posttrain::rl
