#include "rl/rollout_batch.h"

#include <iterator>
#include <utility>

#include "rl/moments.h"

namespace posttrain::rl {

RolloutBatch::RolloutBatch(const std::vector<rollout::ScoredGroup>& groups, bool mask_truncated,
                           double max_completion_tokens) {
  objective.max_completion_tokens = max_completion_tokens;
  objective.begin.push_back(0);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const auto& answer : groups[g].answers) {
      const rollout::Completion& c = answer.completion;
      const bool masked = mask_truncated && c.truncated();
      const auto length = static_cast<double>(c.ids.size());
      scored.push_back({.group = static_cast<int32_t>(g),
                        .reward = answer.outcome.total,
                        .length = length,
                        .masked = masked ? length : 0,
                        .valid = rollout::is_scored(answer) && !groups[g].left_out});
      for (const auto& part : answer.outcome.parts) {
        // A part that said nothing of this answer is no zero among the others.
        scored.back().parts.push_back(is_judged(part.verdict) ? part.value : std::nan(""));
        scored.back().part_weights.push_back(part.weight);
      }
      if (!rollout::is_scored(answer)) continue;
      answer_of_.push_back(scored.size() - 1);
      samples.push_back({&groups[g].prompt, &c});
      answers.push_back(&answer);
      objective.begin.push_back(objective.begin.back() + std::ssize(c.ids));
      objective.group.push_back(static_cast<int32_t>(g));
      objective.old_logp.insert(objective.old_logp.end(), c.logp.begin(), c.logp.end());
      objective.mask.insert(objective.mask.end(), c.ids.size(), masked ? 0 : 1);
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
  const bool penalty = settings.kl_in == KlIn::reward && settings.beta != 0;
  const auto kl = [&](int64_t t) {  // k1, of tokens that count
    return penalty && objective.mask[t] ? settings.beta * (objective.old_logp[t] - objective.ref_logp[t]) : 0;
  };
  std::vector<ScoredSample> penalised = scored;
  for (size_t s = 0; s < samples.size(); ++s) {
    for (int64_t t = objective.begin[s]; penalty && t < objective.begin[s + 1]; ++t) {
      penalised[answer_of_[s]].reward -= kl(t);
    }
  }
  const auto of_answers = advantages(settings, penalised);
  objective.advantage.clear();
  for (size_t s = 0; s < samples.size(); ++s) {
    const auto length = static_cast<size_t>(objective.begin[s + 1] - objective.begin[s]);
    objective.advantage.insert(objective.advantage.end(), length, of_answers[answer_of_[s]]);
  }
  if (settings.advantage == Advantage::reinforce_pp && settings.multi_reward == MultiReward::sum)
    whiten_returns(penalised, kl);
  advantage.assign(scored.size(), 0.0);
  for (size_t s = 0; s < samples.size(); ++s) {
    Moments trained;
    for (int64_t t = objective.begin[s]; t < objective.begin[s + 1]; ++t) {
      if (objective.mask[t]) trained.add(objective.advantage[t]);
    }
    advantage[answer_of_[s]] = trained.mean();
  }
}

// REINFORCE++ takes the penalty off token by token: a token's return is what follows of it. `penalised` are the returns
// of the first tokens.
void RolloutBatch::whiten_returns(std::span<const ScoredSample> penalised, const std::function<double(int64_t)>& kl) {
  std::vector<double> counts(objective.mask.begin(), objective.mask.end());
  for (size_t s = 0; s < samples.size(); ++s) {
    const ScoredSample& answer = penalised[answer_of_[s]];
    double left = answer.reward;
    for (int64_t t = objective.begin[s]; t < objective.begin[s + 1]; ++t) {
      objective.advantage[t] = left;
      left += kl(t);
      if (!answer.valid) counts[t] = 0;
    }
  }
  objective.advantage = whitened(objective.advantage, counts);
  for (size_t s = 0; s < samples.size(); ++s) {
    if (penalised[answer_of_[s]].valid) continue;
    for (int64_t t = objective.begin[s]; t < objective.begin[s + 1]; ++t) objective.advantage[t] = 0;
  }
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
