// Where a run stands, and how that reads as a block or as a line: pure functions of the state and the time.
#pragma once

#include <string>
#include <vector>

#include "pipeline/show/progress.h"

namespace posttrain::pipeline {

// Seconds on any steady clock.
struct ProgressState {
  double started = 0;
  std::vector<double> stage_costs;

  std::string stage;  // empty before the first
  int stage_index = 0, stage_count = 0;
  int64_t steps = 0, done = 0;
  double stage_started = 0, step_started = 0;
  std::vector<double> step_seconds;  // of this stage, in this process

  std::string phase;
  int64_t phase_done = 0, phase_total = 0, phase_tokens = 0;
  double phase_started = 0, phase_changed = 0;

  Metrics last;                    // of the newest step
  std::vector<double> main_curve;  // reward, or the loss where there is none
  std::vector<double> length_curve;
  int64_t eval_step = -1;
  std::string eval_task;
  Metrics eval;

  void begin_stage(const std::string& name, int index, int count, int64_t planned, int64_t first_step, double now);
  void set_phase(std::string_view name, int64_t phase_steps, int64_t total, int64_t tokens, double now);
  void end_step(int64_t step, const Metrics& metrics, double now);
};

// NaN when there is no such metric.
double metric(const Metrics& metrics, std::string_view name);

// Seconds until the stage (run) ends; NaN when there is nothing to tell it from.
double stage_seconds_left(const ProgressState& state, double now);
double run_seconds_left(const ProgressState& state, double now);

struct BlockStyle {
  int width = 80, height = 24;
  bool colour = false, unicode = true;
};
// At most height - 1 lines (the most telling first to stay), none wider than width.
std::vector<std::string> render_block(const ProgressState& state, const BlockStyle& style, double now);

// "zero 34/80  reward 1.21  ..." in about 100 columns.
std::string step_text(const ProgressState& state, double now);
// "zero 34/80: rollout 812/1,024, for 0:31" and for how long nothing moved.
std::string heartbeat_text(const ProgressState& state, double now);
// "pass@1 25.6%  cons@16 59.7%  length 11.5"
std::string eval_text(const Metrics& metrics);

}  // namespace posttrain::pipeline
