// The problems that a stage asks: those of one split whose prompts leave room for an answer, in the stage's order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/shuffle.h"
#include "pipeline/length_tally.h"
#include "text/data_settings.h"
#include "text/renderer.h"
#include "text/task.h"

namespace posttrain::pipeline {

// What a stage asks of its task; `field` names the setting that decides how long an answer may be.
struct PromptUse {
  std::string field = "sampling.max_new_tokens";
  text::Split split = text::Split::train;
  int64_t new_tokens = 0;
  text::DataSettings data = {};  // evaluations: drop
  bool judged = true;            // by the recipe's rewards
};

// Tokens of every prompt of a split that has an end, in the order of the file; [] for one without end. Throws Error for
// what can't be rendered.
std::vector<int64_t> prompt_lengths(const text::Task& task, const Renderer& renderer, text::Split split);

// The task as the stage sees it, of its own split only. Task and renderer must outlive it. Any thread.
class AskedProblems : public text::Task {
 public:
  // Throws Error where nothing fits, or with the first row that is too long where that is refused. `lengths` are
  // prompt_lengths(); `where` is named in errors, such as "stages.zero".
  AskedProblems(const text::Task& task, const Renderer& renderer, const PromptUse& use, int64_t max_positions,
                const std::vector<int64_t>& lengths, const std::string& where);

  int64_t size(text::Split split) const override;
  text::Problem problem(text::Split split, uint64_t seed, uint64_t index) const override;
  text::Problem row(text::Split split, size_t place) const override;
  text::Document document(text::Source source, uint64_t seed, uint64_t index) const override;
  Rng order(uint64_t seed) const override { return task_.order(seed); }

  // Ids of a prompt; where the stage cuts, its last ones.
  std::vector<int32_t> prompt(const text::Problem& problem) const;

  // What is too long; of a task without end, among the first problems.
  const LengthTally& lengths() const { return tally_; }

 private:
  const text::Task& task_;
  const Renderer& renderer_;
  PromptUse use_;
  int64_t room_;  // most tokens of a prompt
  std::vector<size_t> kept_;
  LengthTally tally_;
  mutable PassOrder passes_;
};

}  // namespace posttrain::pipeline
