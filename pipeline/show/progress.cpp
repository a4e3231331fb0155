#include "pipeline/show/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/letters.h"
#include "pipeline/show/progress_state.h"
#include "pipeline/show/progress_text.h"

namespace posttrain::pipeline {
namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool environment_has(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!environment_has(name)) continue;
    const std::string value = lower_case(std::getenv(name));
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

// Never throws: a reader that went away is no reason to stop a run.
void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

class Nothing : public Progress {
 public:
  void plan(std::vector<double> /*stage_costs*/) override {}
  void stage(const std::string& /*name*/, int /*index*/, int /*count*/, int64_t /*steps*/, int64_t /*first*/) override {
  }
  void phase(std::string_view /*name*/, int64_t /*done*/, int64_t /*total*/, int64_t /*tokens*/) override {}
  void step(int64_t /*step*/, const Metrics& /*metrics*/) override {}
  void eval(int64_t /*step*/, const std::string& /*task*/, const Metrics& /*metrics*/) override {}
  void note(const std::string& /*text*/) override {}
  void alert(const std::string& /*text*/) override {}
  void finish(const std::string& /*summary*/) override {}
};

// Keeps the state under a lock and wakes up now and then; what is shown is up to the heirs, who are called locked.
class Display : public Progress {
 public:
  Display(const ProgressOptions& options, double tick_seconds) : options_(options) {
    state_.started = now_seconds();
    ticker_ = std::thread([this, tick_seconds] { run_ticker(tick_seconds); });
  }
  ~Display() override { stop_ticker(); }

  void plan(std::vector<double> stage_costs) override {
    const std::scoped_lock guard(mutex_);
    state_.stage_costs = std::move(stage_costs);
  }
  void stage(const std::string& name, int index, int count, int64_t steps, int64_t first_step) override {
    const std::scoped_lock guard(mutex_);
    state_.begin_stage(name, index, count, steps, first_step, now_seconds());
    if (!finished_) on_stage();
  }
  void phase(std::string_view name, int64_t done, int64_t total, int64_t tokens) override {
    const std::scoped_lock guard(mutex_);
    state_.set_phase(name, done, total, tokens, now_seconds());
    if (!finished_) on_tick();
  }
  void step(int64_t step, const Metrics& metrics) override {
    const std::scoped_lock guard(mutex_);
    state_.end_step(step, metrics, now_seconds());
    if (!finished_) on_step();
  }
  void eval(int64_t step, const std::string& task, const Metrics& metrics) override {
    const std::scoped_lock guard(mutex_);
    state_.eval_step = step;
    state_.eval_task = task;
    state_.eval = metrics;
    if (!finished_) on_eval();
  }
  void note(const std::string& text) override {
    const std::scoped_lock guard(mutex_);
    if (!finished_) on_text("note", text);
  }
  void alert(const std::string& text) override {
    const std::scoped_lock guard(mutex_);
    if (!finished_) on_text("alert", text);
  }
  void finish(const std::string& summary) override {
    stop_ticker();
    const std::scoped_lock guard(mutex_);
    if (!finished_) on_finish(summary);
    finished_ = true;
  }

 protected:
  virtual void on_stage() = 0;
  virtual void on_step() = 0;
  virtual void on_eval() = 0;
  virtual void on_text(const std::string& kind, const std::string& text) = 0;
  virtual void on_tick() = 0;
  virtual void on_finish(const std::string& summary) = 0;

  // To be called first in the destructor of an heir: the ticker calls its functions.
  void stop_ticker() {
    {
      const std::scoped_lock guard(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (ticker_.joinable()) ticker_.join();
  }

  ProgressState state_;
  const ProgressOptions options_;
  bool finished_ = false;

 private:
  void run_ticker(double seconds) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return stopping_; })) {
      if (!finished_) on_tick();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread ticker_;
};

class Plain : public Display {
 public:
  explicit Plain(const ProgressOptions& options) : Display(options, std::min(1.0, options.heartbeat_seconds / 4)) {}
  ~Plain() override { stop_ticker(); }

 protected:
  void on_stage() override {
    say("stage " + std::to_string(state_.stage_index + 1) + "/" + std::to_string(state_.stage_count) + " " +
        printable(state_.stage) + (state_.steps > 0 ? ", " + grouped(state_.steps) + " steps" : "") +
        (state_.done > 0 ? ", going on after step " + grouped(state_.done) : ""));
  }
  void on_step() override {
    const double now = now_seconds();
    if (now - said_ >= options_.line_seconds || state_.done == state_.steps) say(step_text(state_, now));
  }
  void on_eval() override {
    say(printable(state_.stage) + " eval " + printable(state_.eval_task) + " after step " + grouped(state_.eval_step) +
        ": " + eval_text(state_.eval));
  }
  void on_text(const std::string& kind, const std::string& text) override {
    say((kind == "alert" ? "ALERT " : "") + printable(text, true));
  }
  void on_tick() override {
    const double now = now_seconds();
    if (now - said_ >= options_.heartbeat_seconds) say("... " + heartbeat_text(state_, now));
  }
  void on_finish(const std::string& summary) override { say(printable(summary, true)); }

 private:
  void say(const std::string& line) {
    write_all(options_.fd, line + '\n');
    said_ = now_seconds();
  }
  double said_ = now_seconds();
};

class JsonLines : public Display {
 public:
  explicit JsonLines(const ProgressOptions& options) : Display(options, std::min(1.0, options.heartbeat_seconds / 4)) {}
  ~JsonLines() override { stop_ticker(); }

 protected:
  void on_stage() override {
    say({{"event", "stage"},
         {"stage", state_.stage},
         {"index", state_.stage_index},
         {"count", state_.stage_count},
         {"steps", state_.steps},
         {"first_step", state_.done}});
  }
  void on_step() override { say_metrics("step", state_.done, state_.last); }
  void on_eval() override { say_metrics("eval", state_.eval_step, state_.eval); }
  void on_text(const std::string& kind, const std::string& text) override { say({{"event", kind}, {"text", text}}); }
  void on_tick() override {
    if (now_seconds() - said_ < options_.heartbeat_seconds) return;
    say({{"event", "heartbeat"},
         {"stage", state_.stage},
         {"step", state_.done + 1},
         {"phase", state_.phase},
         {"done", state_.phase_done},
         {"total", state_.phase_total},
         {"tokens", state_.phase_tokens},
         {"seconds", now_seconds() - state_.phase_started}});
  }
  void on_finish(const std::string& summary) override { say({{"event", "finish"}, {"text", summary}}); }

 private:
  void say_metrics(const char* event, int64_t step, const Metrics& metrics) {
    Json line = {{"event", event}, {"stage", state_.stage}, {"step", step}};
    if (event == std::string_view("eval")) line["task"] = state_.eval_task;
    for (const auto& [name, value] : metrics) line[name] = value;
    say(line);
  }
  void say(const Json& line) {
    write_all(options_.fd, to_line(line) + '\n');
    said_ = now_seconds();
  }
  double said_ = now_seconds();
};

// A block at the bottom of the terminal. Every write ends with the cursor on the empty line below the block and with
// no mode changed, so there is nothing to restore, not even after kill -9.
class Rich : public Display {
 public:
  explicit Rich(const ProgressOptions& options) : Display(options, std::max(0.25, options.redraw_seconds)) {
    style_.colour = !environment_has("NO_COLOR");
    style_.unicode = utf8_locale();
  }
  ~Rich() override {
    stop_ticker();
    if (!finished_) draw("");
  }

 protected:
  void on_stage() override {
    draw(bold("stage " + std::to_string(state_.stage_index + 1) + "/" + std::to_string(state_.stage_count) + " " +
              printable(state_.stage)) +
         "\n");
  }
  void on_step() override {
    const double now = now_seconds();
    if (now - step_said_ >= std::max(5.0, options_.line_seconds) || state_.done == state_.steps) {
      step_said_ = now;
      draw(step_text(state_, now) + "\n");
    } else {
      on_tick();
    }
  }
  void on_eval() override {
    draw(printable(state_.stage) + " eval after step " + grouped(state_.eval_step) + ": " +
         bold(eval_text(state_.eval)) + "\n");
  }
  void on_text(const std::string& kind, const std::string& text) override {
    const std::string shown = printable(text, true);
    draw((kind == "alert" ? coloured("1;33", "ALERT ") + coloured("33", shown) : shown) + "\n");
  }
  void on_tick() override {
    if (now_seconds() - drawn_ >= options_.redraw_seconds) draw("");
  }
  void on_finish(const std::string& summary) override {
    const std::string top = to_top();
    block_.clear();
    write_all(options_.fd, top + "\x1b[J" + printable(summary, true) + "\n");
  }

 private:
  std::string coloured(const char* code, const std::string& text) const {
    return style_.colour ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
  std::string bold(const std::string& text) const { return coloured("1", text); }

  // To the top of the old block, some of whose lines the terminal may have wrapped when it became narrower.
  std::string to_top() {
    winsize size{};
    if (::ioctl(options_.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
      columns_ = size.ws_col;
      style_.width = std::max(20, columns_ - 1);
      style_.height = size.ws_row;
    }
    int rows = 0;
    for (const std::string& line : block_) rows += std::max(1, (display_width(line) + columns_ - 1) / columns_);
    rows = std::min(rows, std::max(0, style_.height - 1));
    return rows > 0 ? "\r\x1b[" + std::to_string(rows) + "A" : "\r";
  }
  // One write: without permanent text the old lines are overwritten in place, which does not flicker.
  void draw(const std::string& permanent) {
    std::string out = to_top();
    if (!permanent.empty()) out += "\x1b[J" + permanent;
    block_ = render_block(state_, style_, now_seconds());
    for (const std::string& line : block_) out += line + "\x1b[K\n";
    write_all(options_.fd, out + "\x1b[J");
    drawn_ = now_seconds();
  }

  BlockStyle style_;
  std::vector<std::string> block_;
  int columns_ = 80;
  double drawn_ = 0, step_said_ = 0;
};

}  // namespace

ProgressKind parse_progress_kind(const std::string& name) {
  if (name == "auto") return ProgressKind::automatic;
  if (name == "rich") return ProgressKind::rich;
  if (name == "plain") return ProgressKind::plain;
  if (name == "json") return ProgressKind::json;
  if (name == "none") return ProgressKind::none;
  throw Error("--progress", "", "auto, rich, plain, json or none", name);
}

std::unique_ptr<Progress> make_progress(const ProgressOptions& options) {
  ProgressOptions o = options;
  if (o.fd < 0) o.fd = o.kind == ProgressKind::json ? STDOUT_FILENO : STDERR_FILENO;
  if (o.kind == ProgressKind::automatic) {
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
    o.kind = ::isatty(o.fd) != 0 && !dumb ? ProgressKind::rich : ProgressKind::plain;
  }
  switch (o.kind) {
    case ProgressKind::rich:
      return std::make_unique<Rich>(o);
    case ProgressKind::json:
      return std::make_unique<JsonLines>(o);
    case ProgressKind::none:
      return std::make_unique<Nothing>();
    default:
      return std::make_unique<Plain>(o);
  }
}

}  // namespace posttrain::pipeline
