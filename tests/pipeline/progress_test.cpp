// The display, read as a person would: by what stands on a screen and in a log.
#include "pipeline/show/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "pipeline/show/progress_state.h"
#include "pipeline/show/progress_text.h"

namespace posttrain::pipeline {
namespace {

void wait_milliseconds(int n) {
  std::this_thread::sleep_for(std::chrono::milliseconds(n));
}

// A terminal of `width` columns that knows what the display sends: characters, CR, LF, cursor up, erase.
class Screen {
 public:
  explicit Screen(int width) : width_(width) {}
  void feed(const std::string& bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (c == '\x1b') {
        size_t end = i + 2;
        while (bytes[end] < '@') ++end;
        const int count = end > i + 2 ? std::atoi(bytes.c_str() + i + 2) : 0;
        if (bytes[end] == 'A') row_ = std::max(0, row_ - count);
        if (bytes[end] == 'K' || bytes[end] == 'J') line().resize(std::min<size_t>(line().size(), column_));
        if (bytes[end] == 'J') lines_.resize(row_ + 1);
        commands_.insert(bytes[end]);
        i = end;
      } else if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        ++row_;
      } else if ((c & 0xc0) == 0x80) {
        continue;  // one column per UTF-8 character is all that is counted here
      } else {
        if (column_ == static_cast<size_t>(width_)) ++row_, column_ = 0;
        line().resize(std::max(line().size(), column_ + 1), ' ');
        line()[column_++] = (c & 0x80) != 0 ? '#' : c;
      }
    }
  }
  std::vector<std::string> lines() {
    line();
    return lines_;
  }
  std::string text() {
    std::string all;
    for (const std::string& l : lines()) all += l + "\n";
    return all;
  }
  const std::set<char>& commands() const { return commands_; }

 private:
  std::string& line() {
    if (lines_.size() <= static_cast<size_t>(row_)) lines_.resize(row_ + 1);
    return lines_[row_];
  }
  int width_, row_ = 0;
  size_t column_ = 0;
  std::vector<std::string> lines_;
  std::set<char> commands_;
};

// A pty or a pipe whose other end is read without blocking.
class Output {
 public:
  explicit Output(bool terminal, unsigned short width = 80) {
    if (terminal) {
      winsize size{24, width, 0, 0};
      EXPECT_EQ(openpty(&read_, &write_, nullptr, nullptr, &size), 0);
    } else {
      int ends[2];
      EXPECT_EQ(pipe(ends), 0);
      read_ = ends[0];
      write_ = ends[1];
    }
    fcntl(read_, F_SETFL, O_NONBLOCK);
  }
  ~Output() {
    close(read_);
    close(write_);
  }
  int fd() const { return write_; }
  std::string take() {
    std::string all;
    std::array<char, 4096> piece{};
    pollfd waiting{read_, POLLIN, 0};
    while (poll(&waiting, 1, 20) > 0) {
      const ssize_t n = read(read_, piece.data(), piece.size());
      if (n <= 0) break;
      all.append(piece.data(), static_cast<size_t>(n));
    }
    return all;
  }

 private:
  int read_ = -1, write_ = -1;
};

const Metrics grpo_metrics = {{"reward", 1.21},
                              {"loss", 0.01},
                              {"entropy", 0.07},
                              {"kl", 0.003},
                              {"grad_norm", 0.5},
                              {"completions/mean_length", 26.2},
                              {"frac_reward_zero_std", 0.25},
                              {"perf/rollout_tokens_per_second", 12345},
                              {"perf/update_tokens_per_second", 45678}};

TEST(ProgressText, NumbersKeepThreeDigits) {
  EXPECT_EQ(short_number(26.24), "26.2");
  EXPECT_EQ(short_number(1234.6), "1,235");
  EXPECT_EQ(short_number(0.07123), "0.0712");
  EXPECT_EQ(short_number(3e-4), "3e-4");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(NAN), "-");
  EXPECT_EQ(duration(3723), "1:02:03");
  EXPECT_EQ(duration(7), "0:07");
  EXPECT_EQ(duration(NAN), "-");
  EXPECT_EQ(rate(12345), "12k");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
}

TEST(ProgressText, ASparklineIsTheMeanOfEqualPieces) {
  const std::vector<double> history = {0, 0, 1, 1, 2, 2, 7, 7};
  EXPECT_EQ(sparkline(history, 4, true), "▁▂▃█");
  EXPECT_EQ(sparkline(history, 4, false), "_.:#");
  const std::vector<double> flat = {3, 3, NAN};
  EXPECT_EQ(sparkline(flat, 10, false), "-- ");
  EXPECT_EQ(sparkline({}, 10, true), "");
}

TEST(ProgressText, NothingThatSteersATerminalGetsThrough) {
  EXPECT_EQ(printable("a\x1b[2Jb\x1b]0;title\x07"
                      "c\x9b\r\b"),
            "ab]0;titlec\xef\xbf\xbd");
  EXPECT_EQ(printable("two\nlines\t!"), "two lines !");
  EXPECT_EQ(printable("two\nlines", true), "two\nlines");
  EXPECT_EQ(printable("\xe2\x80\xaetxt"), "txt");  // right-to-left override
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "31m");  // C1 control
  EXPECT_EQ(printable("x\xff\xc0\xafy"), "x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy");
}

TEST(ProgressText, WidthCountsColumnsAndClippingEndsColours) {
  EXPECT_EQ(display_width("\x1b[1mbold\x1b[0m"), 4);
  EXPECT_EQ(display_width("漢字"), 4);
  EXPECT_EQ(clipped("漢字x", 3), "漢");
  EXPECT_EQ(clipped("\x1b[1mbold", 2), "\x1b[1mbo\x1b[0m");
}

ProgressState state_after(int steps, double seconds_per_step) {
  ProgressState state;
  state.stage_costs = {1, 2, 4};
  state.begin_stage("zero", 1, 3, 80, 0, 0);
  for (int s = 1; s <= steps; ++s) state.end_step(s, grpo_metrics, s * seconds_per_step);
  return state;
}

TEST(ProgressState, TimeLeftFollowsTheRecentSteps) {
  const ProgressState state = state_after(40, 2);
  EXPECT_DOUBLE_EQ(stage_seconds_left(state, 80), 80);
  EXPECT_DOUBLE_EQ(stage_seconds_left(state, 81), 79);
  EXPECT_DOUBLE_EQ(run_seconds_left(state, 80), 80 + 160 * 4.0 / 2);
  EXPECT_TRUE(std::isnan(stage_seconds_left(state_after(0, 1), 5)));
  ProgressState resumed;
  resumed.begin_stage("zero", 0, 1, 80, 60, 0);
  resumed.end_step(61, grpo_metrics, 3);
  EXPECT_DOUBLE_EQ(run_seconds_left(resumed, 3), 19 * 3);
}

TEST(ProgressState, NoLineOfTheBlockIsWiderThanTheTerminal) {
  ProgressState state = state_after(40, 2);
  state.set_phase("rollout", 812, 1024, 45120, 81);
  state.eval_step = 40;
  state.eval_task = "mod";
  state.eval = {{"pass@1", 0.91}, {"cons@16", 1.0}, {"pass@16", 1.0}, {"mean_length", 26.5}, {"format", 0.965}};
  for (int width = 20; width <= 200; width += 7) {
    for (int height = 1; height <= 30; ++height) {
      const auto lines = render_block(state, {width, height, true, true}, 82);
      EXPECT_LE(static_cast<int>(lines.size()), std::max(1, height - 1));
      for (const std::string& line : lines) EXPECT_LE(display_width(line), width) << line;
    }
  }
  const auto lines = render_block(state, {100, 24, false, false}, 82);
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_EQ(lines[0].substr(0, 24), "stage 2/3 zero  ========");
  EXPECT_NE(lines[1].find("812/1,024  45,120 tokens"), std::string::npos) << lines[1];
  EXPECT_NE(lines[3].find("pass@1 91.0%  cons@16 100.0%"), std::string::npos);
  EXPECT_NE(lines[7].find("stage left"), std::string::npos);
}

TEST(ProgressState, TokensAreMovementBeforeTheFirstAnswerEnds) {
  ProgressState state = state_after(40, 2);
  state.set_phase("evaluate", 0, 1024, 64, 90);
  state.set_phase("evaluate", 0, 1024, 640, 110);
  EXPECT_NE(heartbeat_text(state, 115).find("evaluate 0/1,024, 640 tokens for 0:25"), std::string::npos)
      << heartbeat_text(state, 115);
  EXPECT_EQ(heartbeat_text(state, 115).find("no movement"), std::string::npos);
  EXPECT_NE(heartbeat_text(state, 130).find("no movement for 0:20"), std::string::npos) << heartbeat_text(state, 130);
}

TEST(Progress, APipeGetsOnePlainLineAStepWithoutControlCodes) {
  Output out(false);
  ProgressOptions options;
  options.fd = out.fd();
  options.line_seconds = 0;
  const auto progress = make_progress(options);
  progress->stage("zero", 1, 3, 80);
  progress->phase("rollout", 1, 2);
  for (int s = 1; s <= 3; ++s) progress->step(s, grpo_metrics);
  progress->eval(3, "mod", {{"pass@1", 0.5}});
  progress->alert("no spread\x1b[2J");
  progress->finish("done");
  progress->note("too late");
  const std::string text = out.take();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 7);
  EXPECT_NE(text.find("\nzero 2/80  reward 1.21  length 26.2  entropy 0.0700"), std::string::npos) << text;
  EXPECT_NE(text.find("zero eval mod after step 3: pass@1 50.0%"), std::string::npos);
  EXPECT_NE(text.find("ALERT no spread\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("done\n"));
}

TEST(Progress, FastStepsShareALineAndTheLastOneIsShown) {
  Output out(false);
  ProgressOptions options;
  options.fd = out.fd();
  options.line_seconds = 60;
  const auto progress = make_progress(options);
  progress->stage("base", 0, 1, 50);
  for (int s = 1; s <= 50; ++s) progress->step(s, grpo_metrics);
  const std::string text = out.take();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("base 50/50"), std::string::npos);
}

TEST(Progress, AStuckPhaseStillBeats) {
  Output out(false);
  ProgressOptions options;
  options.fd = out.fd();
  options.heartbeat_seconds = 0.1;
  const auto progress = make_progress(options);
  progress->stage("zero", 0, 1, 80);
  progress->phase("reward", 3, 256);
  std::string text;
  for (int i = 0; i < 6000 && std::count(text.begin(), text.end(), '\n') < 3; ++i) {
    wait_milliseconds(50);
    text += out.take();
  }
  EXPECT_NE(text.find("... zero step 1/80: reward 3/256 for 0:0"), std::string::npos) << text;
  EXPECT_GE(std::count(text.begin(), text.end(), '\n'), 3);
}

TEST(Progress, JsonIsOneObjectALine) {
  Output out(false);
  ProgressOptions options;
  options.kind = ProgressKind::json;
  options.fd = out.fd();
  const auto progress = make_progress(options);
  progress->stage("zero", 0, 2, 80);
  progress->step(1, grpo_metrics);
  progress->eval(1, "mod", {{"pass@1", 0.5}});
  progress->note("a\nb");
  progress->finish("done");
  std::istringstream lines(out.take());
  std::vector<Json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(parse_json(line, "progress"));
  ASSERT_EQ(objects.size(), 5u);
  EXPECT_EQ(objects[0]["event"], "stage");
  EXPECT_EQ(objects[1]["reward"], 1.21);
  EXPECT_EQ(objects[2]["task"], "mod");
  EXPECT_EQ(objects[3]["text"], "a\nb");
  EXPECT_EQ(objects[4]["event"], "finish");
}

TEST(Progress, ATerminalHasTheBlockBelowThePermanentLines) {
  setenv("TERM", "xterm", 1);
  Output out(true, 70);
  Screen screen(70);
  ProgressOptions options;
  options.fd = out.fd();
  options.redraw_seconds = 0;
  const auto progress = make_progress(options);
  progress->note("hello");
  progress->stage("zero", 0, 1, 80);
  for (int s = 1; s <= 4; ++s) {
    progress->phase("rollout", s, 4);
    progress->step(s, grpo_metrics);
    screen.feed(out.take());
  }
  progress->note("a note that is much longer than the line of this terminal, so that it needs two rows or more");
  progress->alert("careful");
  screen.feed(out.take());
  auto lines = screen.lines();
  EXPECT_EQ(lines[0], "hello");
  int blocks = 0;
  for (const std::string& line : lines) blocks += line.find("stage 1/1 zero  #") == 0 ? 1 : 0;
  for (const std::string& line : lines) blocks += line.find("stage 1/1 zero  =") == 0 ? 1 : 0;
  EXPECT_EQ(blocks, 1) << screen.text();  // redrawn in place
  EXPECT_NE(screen.text().find("ALERT careful\nstage 1/1"), std::string::npos) << screen.text();
  EXPECT_EQ(lines.back(), "");  // the cursor waits on an empty line
  progress->finish("all done");
  screen.feed(out.take());
  lines = screen.lines();
  EXPECT_EQ(lines[lines.size() - 2], "all done");
  EXPECT_EQ(screen.text().find("health"), std::string::npos);
  // Cursor up, erase and colours: nothing that would have to be undone.
  for (const char command : screen.commands()) EXPECT_NE(std::string("AJKm").find(command), std::string::npos);
}

TEST(Progress, RedrawsAreThrottled) {
  setenv("TERM", "xterm", 1);
  Output out(true);
  ProgressOptions options;
  options.fd = out.fd();
  const auto progress = make_progress(options);
  progress->stage("zero", 0, 1, 80);
  std::string text;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 30; ++i) {
    for (int j = 0; j < 100; ++j) progress->phase("rollout", 100 * i + j, 3000);
    wait_milliseconds(10);
    text += out.take();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  size_t draws = 0;
  for (size_t at = text.find("rollout"); at != std::string::npos; at = text.find("rollout", at + 1)) ++draws;
  EXPECT_GE(draws, 2u);
  EXPECT_LE(static_cast<double>(draws), 10 * seconds + 10);
}

TEST(Progress, KindsHaveNamesAndNoColorIsObeyed) {
  EXPECT_THROW(parse_progress_kind("fancy"), Error);
  EXPECT_EQ(parse_progress_kind("json"), ProgressKind::json);
  setenv("TERM", "xterm", 1);
  setenv("NO_COLOR", "1", 1);
  Output out(true);
  {
    ProgressOptions options;
    options.fd = out.fd();
    const auto progress = make_progress(options);
    progress->stage("zero", 0, 1, 80);
    progress->alert("careful");
  }
  const std::string text = out.take();
  unsetenv("NO_COLOR");
  EXPECT_NE(text.find("ALERT careful"), std::string::npos);
  for (size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b', at + 1)) {
    EXPECT_NE(text[text.find_first_not_of("[0123456789;", at + 1)], 'm');
  }
}

}  // namespace
}  // namespace posttrain::pipeline
