// Rewards that a model gives, beside the recipe's rules: the score of a `reward_model` stage, or the word of a judge.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/session.h"
#include "pipeline/stages/judge.h"

namespace posttrain::pipeline {

// A reward that the model of an earlier stage gives: a reward_model stage's score, else that model's word as a judge.
struct ModelReward {
  std::string stage;
  std::string name;  // "" in the file; then the stage's, with a number where it is taken
  double weight = 1;
  JudgeSettings judge;

  void visit(Visitor& v);
};

// Scores whole groups; a reply that is no verdict makes the sample failed (masked), never 0. Owns its models and a
// backend of its own, so that it may run beside training.
class ModelRewards {
 public:
  // One part for each of `specs`. The session must outlive it.
  ModelRewards(Session& session, const std::vector<ModelReward>& specs);
  ~ModelRewards();

  // Adds every part to the outcomes. `key` named the answers' draws and names the judges' too.
  void score(std::vector<rollout::ScoredGroup>& groups, const rollout::DrawKey& key);

 private:
  struct Part;
  std::unique_ptr<nn::Backend> backend_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace posttrain::pipeline
