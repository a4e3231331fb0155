#include "pipeline/show/progress_state.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>

#include "pipeline/show/progress_text.h"

namespace posttrain::pipeline {
namespace {

constexpr size_t recent_steps = 32;

// Pieces with two spaces between; the last ones go first when the line is full.
class Row {
 public:
  Row(std::string label, int width) : text_(std::move(label)), width_(width) { text_.resize(10, ' '); }
  void add(const std::string& piece) {
    if (piece.empty() || full_) return;
    const int used = display_width(text_) + display_width(piece) + (any_ ? 2 : 0);
    if (used > width_ && any_) {
      full_ = true;
      return;
    }
    text_ += (any_ ? "  " : "") + piece;
    any_ = true;
  }
  // "name 0.07"
  void add(const std::string& name, const std::string& value) {
    if (value != "-") add(name + ' ' + value);
  }
  bool any() const { return any_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int width_;
  bool any_ = false, full_ = false;
};

std::string colour(const BlockStyle& style, const char* code, const std::string& text) {
  return style.colour && !text.empty() ? std::string("\x1b[") + code + 'm' + text + "\x1b[0m" : text;
}

double seconds_per_step(const ProgressState& state) {
  const auto& all = state.step_seconds;
  const size_t n = std::min(all.size(), recent_steps);
  return n == 0 ? NAN
                : std::accumulate(all.end() - static_cast<std::ptrdiff_t>(n), all.end(), 0.0) / static_cast<double>(n);
}

std::string counts(int64_t done, int64_t total) {
  return total > 0 ? grouped(done) + "/" + grouped(total) : done > 0 ? grouped(done) : std::string();
}

std::string sampled(const ProgressState& state) {
  return state.phase_tokens > 0 ? grouped(state.phase_tokens) + " tokens" : std::string();
}

std::string stage_line(const ProgressState& state, const BlockStyle& style) {
  std::string line = "stage " + std::to_string(state.stage_index + 1) + "/" + std::to_string(state.stage_count) + " " +
                     colour(style, "1", printable(state.stage)) + "  ";
  if (state.steps <= 0) return line + "step " + grouped(state.done);
  const double fraction = static_cast<double>(state.done) / static_cast<double>(state.steps);
  const std::string numbers = "  step " + counts(state.done, state.steps) + "  " + percent(fraction);
  const int room = std::min(style.width - display_width(line) - display_width(numbers), 60);
  if (room >= 6) line += colour(style, "36", bar(fraction, room, style.unicode));
  return line + numbers;
}

std::string phase_line(const ProgressState& state, const BlockStyle& style, double now) {
  const std::string name = state.phase.empty() ? "starting" : printable(state.phase);
  Row row(name.size() < 10 ? name : name + ' ', style.width);
  if (state.phase_total > 0) {
    const double fraction = static_cast<double>(state.phase_done) / static_cast<double>(state.phase_total);
    row.add(colour(style, "36", bar(fraction, std::clamp(style.width - 45, 6, 30), style.unicode)));
  }
  row.add(counts(state.phase_done, state.phase_total));
  row.add(sampled(state));
  const double since = now - (state.phase.empty() ? state.started : state.phase_started);
  if (since >= 1) row.add("for " + duration(since));
  return row.text();
}

std::vector<std::string> eval_pieces(const Metrics& metrics) {
  std::vector<std::string> pieces;
  for (const auto& [name, value] : metrics) {
    if (!std::isfinite(value)) continue;
    if (name == "mean_length") {
      pieces.push_back("length " + short_number(value));
    } else if (name == "format" || name == "failed" || name.find('@') != std::string::npos ||
               name.find("accuracy") != std::string::npos) {
      pieces.push_back(printable(name) + " " + percent(value));
    }
  }
  return pieces;
}

void add_quality(const ProgressState& state, const BlockStyle& style, std::vector<std::string>& lines) {
  const int spark = std::clamp(style.width / 4, 8, 32);
  const double reward = metric(state.last, "reward");
  Row main(std::isnan(reward) ? "loss" : "reward", style.width);
  if (!state.main_curve.empty()) {
    main.add(short_number(state.main_curve.back()));
    main.add(colour(style, "32", sparkline(state.main_curve, spark, style.unicode)));
  }
  if (!std::isnan(reward)) main.add("loss", short_number(metric(state.last, "loss")));
  if (const double failed = metric(state.last, "verdicts/failed_ratio"); failed > 0)
    main.add("failed", percent(failed));
  main.add("token accuracy", percent(metric(state.last, "mean_token_accuracy")));
  if (main.any()) lines.push_back(main.text());

  if (state.eval_step >= 0) {
    Row eval("eval", style.width);
    for (const std::string& piece : eval_pieces(state.eval)) eval.add(piece);
    eval.add("(" + printable(state.eval_task) + ", step " + grouped(state.eval_step) + ")");
    lines.push_back(eval.text());
  }
  Row length("length", style.width);
  if (!state.length_curve.empty()) {
    length.add(short_number(state.length_curve.back()) + " tokens");
    length.add(colour(style, "32", sparkline(state.length_curve, spark, style.unicode)));
  }
  length.add("cut off", percent(metric(state.last, "completions/clipped_ratio")));
  if (length.any()) lines.push_back(length.text());

  Row health("health", style.width);
  health.add("entropy", short_number(metric(state.last, "entropy")));
  health.add("KL", short_number(metric(state.last, "kl")));
  health.add("groups without spread", percent(metric(state.last, "frac_reward_zero_std")));
  health.add("grad", short_number(metric(state.last, "grad_norm")));
  health.add("lr", short_number(metric(state.last, "learning_rate")));
  if (health.any()) lines.push_back(health.text());
}

std::string speed_line(const ProgressState& state, const BlockStyle& style) {
  Row row("speed", style.width);
  row.add("step", std::isnan(seconds_per_step(state)) ? "-" : short_number(seconds_per_step(state)) + " s");
  const std::string rollout = rate(metric(state.last, "perf/rollout_tokens_per_second"));
  const std::string update = rate(metric(state.last, "perf/update_tokens_per_second"));
  if (rollout != "-") row.add("rollout " + rollout + " tok/s");
  if (update != "-") row.add("update " + update + " tok/s");
  return row.any() ? row.text() : std::string();
}

std::string time_line(const ProgressState& state, const BlockStyle& style, double now) {
  Row row("time", style.width);
  row.add(duration(now - state.started) + " gone");
  row.add("stage left", duration(stage_seconds_left(state, now)));
  row.add("run left", duration(run_seconds_left(state, now)));
  return row.text();
}

}  // namespace

double metric(const Metrics& metrics, std::string_view name) {
  for (const auto& [key, value] : metrics) {
    if (key == name) return value;
  }
  return NAN;
}

void ProgressState::begin_stage(const std::string& name, int index, int count, int64_t planned, int64_t first_step,
                                double now) {
  const double began = started;
  std::vector<double> costs = std::move(stage_costs);
  *this = {};
  started = began;
  stage_costs = std::move(costs);
  stage = name;
  stage_index = index;
  stage_count = count;
  steps = planned;
  done = first_step;
  stage_started = step_started = phase_started = phase_changed = now;
}

void ProgressState::set_phase(std::string_view name, int64_t phase_steps, int64_t total, int64_t tokens, double now) {
  if (name != phase || phase_steps < phase_done) phase_started = now;
  if (name != phase || phase_steps != phase_done || tokens != phase_tokens) phase_changed = now;
  phase = name;
  phase_done = phase_steps;
  phase_total = total;
  phase_tokens = tokens;
}

void ProgressState::end_step(int64_t step, const Metrics& metrics, double now) {
  step_seconds.push_back(now - step_started);
  step_started = phase_changed = now;
  done = step;
  last = metrics;
  const double reward = metric(metrics, "reward");
  main_curve.push_back(std::isnan(reward) ? metric(metrics, "loss") : reward);
  const double length = metric(metrics, "completions/mean_length");
  if (!std::isnan(length)) length_curve.push_back(length);
}

double stage_seconds_left(const ProgressState& state, double now) {
  const double per_step = seconds_per_step(state);
  if (state.steps <= 0 || std::isnan(per_step)) return NAN;
  return std::max(0.0, per_step * static_cast<double>(state.steps - state.done) - (now - state.step_started));
}

double run_seconds_left(const ProgressState& state, double now) {
  const double left = stage_seconds_left(state, now);
  if (state.stage_index + 1 >= state.stage_count) return left;
  const auto& costs = state.stage_costs;
  const auto here = static_cast<size_t>(state.stage_index);
  if (costs.size() != static_cast<size_t>(state.stage_count) || costs[here] <= 0) return NAN;
  const double whole_stage = seconds_per_step(state) * static_cast<double>(state.steps);
  const double later = std::accumulate(costs.begin() + static_cast<std::ptrdiff_t>(here) + 1, costs.end(), 0.0);
  return left + whole_stage * later / costs[here];
}

std::vector<std::string> render_block(const ProgressState& state, const BlockStyle& style, double now) {
  std::vector<std::string> lines;
  if (state.stage.empty()) return lines;
  lines.push_back(stage_line(state, style));
  lines.push_back(phase_line(state, style, now));
  add_quality(state, style, lines);
  if (const std::string speed = speed_line(state, style); !speed.empty()) lines.push_back(speed);
  const std::string time = time_line(state, style, now);
  const auto room = static_cast<size_t>(std::max(1, style.height - 2));
  if (lines.size() + 1 > room) lines.resize(std::max<size_t>(1, std::min(lines.size(), room - 1)));
  if (lines.size() < room) lines.push_back(time);
  for (std::string& line : lines) line = clipped(line, style.width);
  return lines;
}

std::string step_text(const ProgressState& state, double now) {
  std::string out = printable(state.stage) + " " + counts(state.done, state.steps);
  const auto add = [&](const char* name, const std::string& value) {
    if (value != "-") out += std::string("  ") + name + " " + value;
  };
  const double reward = metric(state.last, "reward");
  add("reward", short_number(reward));
  if (std::isnan(reward)) add("loss", short_number(metric(state.last, "loss")));
  add("accuracy", percent(metric(state.last, "mean_token_accuracy")));
  add("length", short_number(metric(state.last, "completions/mean_length")));
  add("entropy", short_number(metric(state.last, "entropy")));
  add("KL", short_number(metric(state.last, "kl")));
  add("no spread", percent(metric(state.last, "frac_reward_zero_std")));
  if (const double failed = metric(state.last, "verdicts/failed_ratio"); failed > 0) add("failed", percent(failed));
  if (!state.step_seconds.empty()) out += "  " + short_number(state.step_seconds.back()) + " s";
  const std::string rollout = rate(metric(state.last, "perf/rollout_tokens_per_second"));
  const std::string update = rate(metric(state.last, "perf/update_tokens_per_second"));
  if (rollout != "-" && update != "-") {
    out += "  " + rollout + "+" + update + " tok/s";
  } else if (rollout != "-" || update != "-") {
    out += "  " + (rollout != "-" ? rollout : update) + " tok/s";
  }
  add("left", duration(stage_seconds_left(state, now)));
  return out;
}

std::string heartbeat_text(const ProgressState& state, double now) {
  std::string out = state.stage.empty() ? "starting" : printable(state.stage) + " step " + grouped(state.done + 1);
  if (state.steps > 0) out += "/" + grouped(state.steps);
  if (!state.phase.empty()) {
    out += ": " + printable(state.phase);
    if (const std::string n = counts(state.phase_done, state.phase_total); !n.empty()) out += " " + n;
    if (const std::string n = sampled(state); !n.empty()) out += ", " + n;
    out += " for " + duration(now - state.phase_started);
    if (now - state.phase_changed >= 10) out += ", no movement for " + duration(now - state.phase_changed);
  }
  return out + " (" + duration(now - state.started) + " since the start)";
}

std::string eval_text(const Metrics& metrics) {
  std::string out;
  for (const std::string& piece : eval_pieces(metrics)) out += (out.empty() ? "" : "  ") + piece;
  return out;
}

}  // namespace posttrain::pipeline
