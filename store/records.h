// What the store keeps, as plain values. Texts are bytes as they came; hostile ones are escaped where they are shown.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace posttrain::store {

// Name and value; NaN is kept as such.
using Metrics = std::vector<std::pair<std::string, double>>;

// Seconds of work of one phase ("rollout", "reward", "update", ...), counted from the start of the stage.
struct Span {
  std::string phase;
  int lane = 0;  // 0 = the main line; others run beside it
  double t0 = 0, t1 = 0;
};

// One reward function's word on a sample; verdict as rewards::to_string gives it.
struct RewardPart {
  std::string name;
  double value = 0, weight = 1;
  std::string verdict, detail;
};

struct SampleRow {
  std::string completion;
  int64_t completion_tokens = 0;
  std::string finish;  // "stop", "length"
  double reward = 0;   // the weighted total
  std::vector<RewardPart> parts;
  std::string verdict;  // of the sample as a whole: right, wrong, undecided, failed
  double advantage = 0;
  double logp_sum = 0;
  int64_t weight_version = 0;
};

// A prompt and its answers, in sample order.
struct Group {
  std::string prompt, answer;
  std::vector<SampleRow> samples;
};

struct Alert {
  std::string code, text;  // "no-reward-variance", "all 16 groups ..."
};

// Everything one step leaves behind. Steps count from 1 within a stage.
struct StepRecord {
  int stage = 0;
  int64_t step = 0;
  Metrics metrics;
  std::vector<Span> spans;
  std::vector<Group> groups;  // the rollouts worth keeping; may be empty
  std::vector<Alert> alerts;
};

// One evaluation of the weights after `step` of `stage`; step 0 = as the stage found them.
struct EvalRecord {
  int stage = 0;
  int64_t step = 0;
  std::string task;
  std::string role;  // "base" and "final" are what the summary compares; "" = in the loop
  int64_t n = 0, k = 0;
  Metrics metrics;            // "pass@1", "cons@16", "pass@16", "mean_length", "format" ...; fractions, not percent
  std::vector<Group> groups;  // transcripts of the problems that are followed through the run; may be empty
  std::vector<Alert> alerts;
};

// A file and its digest (base/digest.h).
struct FileDigest {
  std::string path, digest;
  bool operator==(const FileDigest&) const = default;
};

// Stand for a stage where files are those that the recipe names, and those of final/.
constexpr int recipe_files = -1, final_files = -2;

struct RunInfo {
  std::string name, version;
  uint64_t seed = 0;
  std::string recipe;                  // resolved, JSON
  std::string machine;                 // JSON
  std::vector<FileDigest> files = {};  // what the recipe names
};

struct StageInfo {
  int index = 0;  // position in the recipe, from 0
  std::string name, type;
  std::string from;   // "" = from nothing
  int64_t steps = 0;  // planned; 0 = unknown
};

// ---- read back

struct RunRow : RunInfo {
  std::string created, status, message;
  double seconds = 0;
};

struct StageRow : StageInfo {
  std::string status, started, checkpoint;
  double seconds = 0;
};

struct Point {
  int stage = 0;
  int64_t step = 0;
  double value = 0;
};

struct StepKey {
  int stage = 0;
  int64_t step = 0;
};

struct PhaseTime {
  std::string phase;
  double seconds = 0;
};

struct AlertRow : Alert {
  int stage = 0;
  int64_t step = 0;
};

}  // namespace posttrain::store
