#include "pipeline/stages/model_rewards.h"

#include <cmath>

#include "base/rng.h"
#include "rewards/part_names.h"
#include "sft/reward_model.h"

namespace posttrain::pipeline {

void ModelReward::visit(Visitor& v) {
  v("stage", stage,
    {.doc = "An earlier stage: a `reward_model`, or one whose model is asked as a judge", .required = true});
  v("name", name, {.doc = "Its name in metrics; \"\" = the stage's, with a number where that is taken"});
  v("weight", weight, {.doc = "Factor of this part in the total"});
  v("judge", judge, {.doc = "How a judge is asked"});
}

struct ModelRewards::Part {
  std::string name;
  double weight;
  std::unique_ptr<model::Transformer> model;
  std::unique_ptr<GenerativeJudge> judge;  // null: the model has a reward head
  std::string mode;
};

namespace {

constexpr int64_t micro_batch_tokens = 8192;
constexpr const char* no_verdict = "the judge named no verdict";

// Every answer against the next of its group, the last against the first: an answer's value is the mean of its two
// comparisons. A group of one has nothing to compare.
std::vector<double> win_shares(GenerativeJudge& judge, const std::vector<rollout::ScoredGroup>& groups,
                               const rollout::DrawKey& key) {
  std::vector<Answers> pairs;
  for (const auto& group : groups) {
    const size_t n = group.answers.size();
    for (size_t i = 0; n > 1 && i < n; ++i) {
      pairs.push_back({group.problem.prompt, group.answers[i].text, group.answers[(i + 1) % n].text});
    }
  }
  const auto preferences = judge.prefer(pairs, key);
  std::vector<double> values;
  size_t at = 0;
  for (const auto& group : groups) {
    const size_t n = group.answers.size();
    for (size_t i = 0; i < n; ++i) {
      if (n == 1) {
        values.push_back(0.5);
        continue;
      }
      values.push_back((preferences[at + i].share() + 1 - preferences[at + (i + n - 1) % n].share()) / 2);
    }
    at += n > 1 ? n : 0;
  }
  return values;
}

std::vector<double> grades(GenerativeJudge& judge, const std::vector<rollout::ScoredGroup>& groups,
                           const rollout::DrawKey& key) {
  std::vector<Answers> answers;
  for (const auto& group : groups) {
    for (const auto& answer : group.answers) answers.push_back({group.problem.prompt, answer.text, ""});
  }
  return judge.grade(answers, key);
}

std::vector<double> head_scores(model::Transformer& model, const std::vector<rollout::ScoredGroup>& groups) {
  std::vector<rollout::TrainSample> samples;
  for (const auto& group : groups) {
    for (const auto& answer : group.answers) samples.push_back({&group.prompt, &answer.completion});
  }
  return sft::reward_scores(model, sft::reward_head(model.arch()), samples, micro_batch_tokens);
}

void add_part(rollout::Answer& answer, const Json& row, const std::string& name, double weight, double value) {
  const double own = rewards::row_weight(row, name, weight);
  rewards::PartScore part{.name = name, .value = value, .weight = own, .verdict = Verdict::right};
  if (!std::isfinite(value)) part = {.name = name, .weight = own, .verdict = Verdict::failed, .detail = no_verdict};
  if (own == 0 && weight != 0) part = {.name = name, .weight = 0, .verdict = Verdict::absent};
  answer.outcome.parts.push_back(std::move(part));
  rewards::settle(answer.outcome);
}

}  // namespace

ModelRewards::ModelRewards(Session& session, const std::vector<ModelReward>& specs) : backend_(nn::make_cpu_backend()) {
  for (const ModelReward& spec : specs) {
    const StageSpec& stage = *session.recipe().stage(spec.stage);
    auto part = std::make_unique<Part>();
    part->name = spec.name;
    part->weight = spec.weight;
    part->model =
        model::Transformer::load(*backend_, session.folder().model_of(spec.stage), DType::f32, nn::Use::inference);
    if (stage.type() != "reward_model") {
      part->mode = spec.judge.mode;
      part->judge = std::make_unique<GenerativeJudge>(*part->model, session.renderer(), spec.judge);
    }
    parts_.push_back(std::move(part));
  }
}

ModelRewards::~ModelRewards() = default;

void ModelRewards::score(std::vector<rollout::ScoredGroup>& groups, const rollout::DrawKey& key) {
  for (size_t p = 0; p < parts_.size(); ++p) {
    const auto& part = parts_[p];
    rollout::DrawKey own = key;  // two judges draw apart
    own.stage = Rng({key.stage, hash_name("judge"), p}).at(0);
    const auto values = part->judge == nullptr  ? head_scores(*part->model, groups)
                        : part->mode == "pairs" ? win_shares(*part->judge, groups, own)
                                                : grades(*part->judge, groups, own);
    size_t at = 0;
    for (auto& group : groups) {
      for (auto& answer : group.answers) add_part(answer, group.problem.extra, part->name, part->weight, values[at++]);
    }
  }
}

}  // namespace posttrain::pipeline
