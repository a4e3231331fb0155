// Samples answers to problems and scores them while others are still being generated.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rewards/pool.h"
#include "rollout/engine.h"
#include "text/task.h"
#include "text/tokenizer.h"

namespace posttrain::rollout {

struct Answer {
  Completion completion;
  std::string text;  // without the stop token; special tokens are spelled out
  rewards::Outcome outcome;
};

// A problem, its prompt as the model saw it, and its answers in the order of their sample numbers.
struct ScoredGroup {
  text::Problem problem;
  std::vector<int32_t> prompt;
  std::vector<Answer> answers;
  bool left_out = false;  // by dynamic sampling, and here only to fill up a step: its answers teach nothing
};

// Whether there is a reward: the judge did not fail and what it gave is a number.
bool is_scored(const Answer& answer);

struct CollectStats {
  EngineStats engine;
  double reward_wait_seconds = 0;  // scoring that went on after the last token
};

// Token ids of a problem's prompt.
using RenderPrompt = std::function<std::vector<int32_t>(const text::Problem&)>;

// What names the random draws of one collection; the prompt's index makes the fourth part.
struct DrawKey {
  uint64_t seed, stage, step;
  uint64_t first_prompt = 0;
};

// What judges are told of the place of a collection: the step, where it is not that of the key (from 0) and one.
struct Occasion {
  std::string stage, split = "train";
  std::optional<int64_t> step;
};

// Adds to the outcomes of whole groups once their rules are through: rewards that a model gives. What it draws is named
// by the collection's own key, so that a resumed run draws the same.
using ScoreGroups = std::function<void(std::vector<ScoredGroup>&, const DrawKey&)>;

// Draws with one engine and scores with one pool. Not thread-safe.
class Collector {
 public:
  Collector(Engine& engine, rewards::ScoringPool& pool, const Tokenizer& tokenizer, RenderPrompt render)
      : engine_(engine), pool_(pool), tokenizer_(tokenizer), render_(std::move(render)) {}

  // For all collections from here on.
  void judge_as(Occasion occasion) { occasion_ = std::move(occasion); }

  void then_score(ScoreGroups more) { more_ = std::move(more); }

  std::vector<ScoredGroup> collect(std::span<const text::Problem> problems, int64_t samples,
                                   const SamplingSettings& sampling, const DrawKey& key, CollectStats& stats,
                                   const Progress& progress = {});

  // Whether the prompt and a completion of that length fit into the model's positions.
  bool fits(const text::Problem& problem, int64_t max_new_tokens) const {
    return std::ssize(render_(problem)) + max_new_tokens <= engine_.max_positions();
  }

 private:
  Engine& engine_;
  rewards::ScoringPool& pool_;
  const Tokenizer& tokenizer_;
  RenderPrompt render_;
  ScoreGroups more_;
  Occasion occasion_;
};

}  // namespace posttrain::rollout
