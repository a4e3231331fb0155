// A look at the data of a recipe: every prompt and every text as the model will see it, counted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "pipeline/inputs.h"
#include "pipeline/stages/data_part.h"

namespace posttrain::pipeline {

// How many rows are of a kind, and which is the first.
struct RowCount {
  int64_t count = 0;
  std::string first;
};

struct PromptSurvey {
  int64_t size = 0;             // of the split; 0 = generated without end
  std::vector<int64_t> tokens;  // of each prompt that was looked at
  int64_t longest = 0;
  std::string longest_row;
  RowCount no_gold, empty, repeated;                       // repeated: a prompt that stood before
  std::vector<text::Problem> problems;                     // some of them
  std::vector<std::string> texts;                          // what the model sees of those
  std::unordered_map<uint64_t, std::string> rows_by_hash;  // of the prompt's ids

  double mean_tokens() const;
};

struct TextSurvey {
  int64_t documents = 0;         // of the part
  std::vector<int64_t> lengths;  // in tokens, of those that were looked at: all, or the first ones
  std::string sample;            // the texts of some, one after another

  bool whole() const { return documents == std::ssize(lengths); }
};

// Keeps what it has counted. Recipe and inputs must outlive it.
class Survey {
 public:
  // Looks at no more than `limit` rows of anything; `watch` is told of the rows done and the rows in all.
  Survey(const Recipe& recipe, const RunInputs& inputs, int64_t limit,
         std::function<void(int64_t done, int64_t total)> watch = {});

  // Throw Error for a row that can't be used, or where there are none.
  const PromptSurvey& prompts(text::Split split);
  // A part of the task or of a file; `before` documents stand before it (for `share`).
  const TextSurvey& texts(const DataPart& part, int64_t before);

  // Prompts of a split that were looked at before; null when none were.
  const PromptSurvey* looked_at(text::Split split) const;

  const Recipe& recipe() const { return recipe_; }
  const RunInputs& inputs() const { return inputs_; }

 private:
  TextSurvey task_texts(const DataPart& part, int64_t count) const;
  TextSurvey file_texts(const DataPart& part) const;

  const Recipe& recipe_;
  const RunInputs& inputs_;
  int64_t limit_;
  std::function<void(int64_t, int64_t)> watch_;
  std::map<text::Split, PromptSurvey> prompts_;
  std::map<std::string, TextSurvey> texts_;
};

}  // namespace posttrain::pipeline
