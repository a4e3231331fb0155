// What a run shows while it goes: a redrawn block on a terminal, plain lines elsewhere, JSON lines for programs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posttrain::pipeline {

using Metrics = std::vector<std::pair<std::string, double>>;  // the store's

// All calls are thread-safe and return at once; nothing is drawn more often than 10 times a second. Texts may be
// hostile: control characters are never sent to a terminal.
class Progress {
 public:
  virtual ~Progress() = default;

  // The expected relative cost of each stage (say, tokens); with it the time left for the whole run is shown.
  virtual void plan(std::vector<double> stage_costs) = 0;
  // A stage begins: number `index` (from 0) of `count`; `steps` 0 = unknown; `first_step` > 0 when it is resumed.
  virtual void stage(const std::string& name, int index, int count, int64_t steps, int64_t first_step = 0) = 0;
  // Where the work within a step stands ("rollout", 812 of 1024 answers); total 0 = unknown. `tokens` are those of
  // unfinished work too, 0 where none are sampled.
  virtual void phase(std::string_view name, int64_t done, int64_t total, int64_t tokens) = 0;
  void phase(std::string_view name, int64_t done, int64_t total) { phase(name, done, total, 0); }
  // A step has ended. Shown, where present: loss, reward, completions/mean_length, completions/clipped_ratio, entropy,
  // kl, frac_reward_zero_std, grad_norm, mean_token_accuracy, logp_mismatch_max, perf/rollout_tokens_per_second,
  // perf/update_tokens_per_second.
  virtual void step(int64_t step, const Metrics& metrics) = 0;
  // An evaluation of the weights after `step`: pass@1, cons@16 ... as fractions.
  virtual void eval(int64_t step, const std::string& task, const Metrics& metrics) = 0;
  // A line that stays.
  virtual void note(const std::string& text) = 0;
  virtual void alert(const std::string& text) = 0;
  // Takes the block away and leaves the summary; calls after this one show nothing.
  virtual void finish(const std::string& summary) = 0;
};

enum class ProgressKind : uint8_t { automatic, rich, plain, json, none };

// "auto", "rich", "plain", "json", "none"; throws Error for anything else.
ProgressKind parse_progress_kind(const std::string& name);

struct ProgressOptions {
  ProgressKind kind = ProgressKind::automatic;  // rich on a terminal that can, else plain
  int fd = -1;                                  // -1 = standard output for json, else standard error
  double heartbeat_seconds = 30;                // plain and json: silence is never longer than this
  double redraw_seconds = 0.1;
  double line_seconds = 0.25;  // steps that follow faster than this share a line
};

// The environment decides details: NO_COLOR, TERM=dumb, the locale's character set.
std::unique_ptr<Progress> make_progress(const ProgressOptions& options);

}  // namespace posttrain::pipeline
