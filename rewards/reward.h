// The contract of every reward: a pure judgement of one completion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/verdict.h"

namespace posttrain::rewards {

// One completion to be judged. Texts are UTF-8 with special tokens spelled out ("<think>"); views outlive the call.
struct Sample {
  std::string_view prompt, completion;
  std::string_view answer;      // the gold answer, empty where the task has none
  const Json* extra = nullptr;  // the whole data row (tests, statement, choices ...), may be null
  int64_t completion_tokens = 0;
  int64_t max_completion_tokens = 0;
  bool truncated = false;  // ended by the length limit, not by a stop token or string
  // What shaping rewards may lean on. `correctness` is set by RewardSet for parts that judge no correctness themselves
  // (null: no part does); the shortest and longest completion of the group are the caller's to set (0: unknown).
  const Verdict* correctness = nullptr;
  int64_t group_min_tokens = 0, group_max_tokens = 0;
  // Where it is judged: the stage's name, "train", "test" or "probe", and the step (from 1; of an evaluation the steps
  // behind it).
  std::string_view stage, split;
  int64_t step = 0;
};

struct Score {
  double value = 0;
  Verdict verdict = Verdict::wrong;
  std::string detail;    // for people: the parsed answer, the error, the failing test
  std::string answer;    // what was taken as the answer, in canonical spelling: majority votes count it; empty = none
  std::string feedback;  // what a second attempt may be shown, such as a compiler's diagnostics; empty = nothing
};

// What a sample must bring for a reward, such as "a gold answer"; nothing = it is all there.
using Lack = std::optional<std::string>;
inline Lack lacks_gold(const Sample& sample) {
  const bool blank = sample.answer.find_first_not_of(" \t\r\n") == std::string_view::npos;
  return blank ? Lack("a gold answer") : std::nullopt;
}

// Thread-safe after construction: score() is called from several threads at once and keeps no state between calls.
class Reward {
 public:
  virtual ~Reward() = default;
  virtual Score score(const Sample& sample) const = 0;
  // What the row of a sample lacks so that no completion could be judged; asked before a run begins.
  virtual Lack missing(const Sample&) const { return std::nullopt; }
  // True for rewards that lean on the lengths of a whole group: its samples are then scored when the last is there.
  virtual bool needs_group() const { return false; }
  // True for rewards that judge all answers to a prompt in one go; score_group() is then called with them all.
  virtual bool judges_groups() const { return false; }
  // As many scores as samples, in their order; samples is not empty.
  virtual std::vector<Score> score_group(std::span<const Sample> samples) const {
    std::vector<Score> scores;
    for (const Sample& sample : samples) scores.push_back(score(sample));
    return scores;
  }

  // Before the first score(): tries what the judge needs outside this process. Throws Error that names the setting.
  virtual void probe(const Sample& /*sample*/) const {}
  // Before the first score(): the file to which processes of the judge add their stderr.
  virtual void log_to(const std::filesystem::path& /*file*/) {}
};

}  // namespace posttrain::rewards
