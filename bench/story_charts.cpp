#include "bench/story_page.h"

namespace posttrain::bench {
namespace {

using report::Chart;
using Lines = std::vector<std::pair<const char*, const char*>>;  // stage, name in the picture

Chart stage_chart(const StoryRuns& runs, const char* title, const char* unit, const char* metric, const Lines& lines) {
  Chart chart{title, unit, true, true, {}, {}, true};
  for (const auto& [stage, name] : lines) chart.series.push_back({name, runs.curve(stage, metric), false});
  return chart;
}

}  // namespace

std::vector<Chart> zero_charts(const StoryRuns& runs) {
  Chart accuracy{"Unseen problems answered right", "%", true, false, {}, {}, true};
  for (const char* metric : {"pass@1", "cons@16", "pass@16"}) {
    accuracy.series.push_back({metric, runs.loop_evals("zero", metric), true});
  }
  Chart length{
      "Length of answers", "tokens", true, false, {{"", runs.loop_evals("zero", "mean_length"), true}}, {}, true};
  return {accuracy, length};
}

std::vector<Chart> objective_charts(const StoryRuns& runs) {
  const auto lines = [](bool on) {
    return on ? Lines{{"on-grpo", "GRPO"}, {"on-dr-grpo", "Dr. GRPO"}, {"on-dapo", "DAPO"},
                      {"on-gspo", "GSPO"}, {"on-cispo", "CISPO"},      {"on-reinforce-pp", "REINFORCE++"}}
              : Lines{{"off-grpo", "GRPO"}, {"off-dr-grpo", "Dr. GRPO"}, {"off-dapo", "DAPO"},
                      {"off-gspo", "GSPO"}, {"off-cispo", "CISPO"},      {"off-reinforce-pp", "REINFORCE++"}};
  };
  return {stage_chart(runs, "Right in training, one update per rollout", "%", "accuracy", lines(true)),
          stage_chart(runs, "Right in training, four updates per rollout", "%", "accuracy", lines(false))};
}

std::vector<Chart> pitfall_charts(const StoryRuns& runs) {
  const Lines lines = {{"on-r1-zero", "as R1-Zero"}, {"lr-1e-4", "lr 1e-4"}, {"lr-1e-3", "lr 1e-3"},
                       {"lr-2e-3", "lr 2e-3"},       {"hot", "T = 1.4"},     {"cold", "T = 0.6"}};
  return {stage_chart(runs, "Right in training", "%", "accuracy", lines),
          stage_chart(runs, "Length of answers", "tokens", "completions/mean_length", lines)};
}

}  // namespace posttrain::bench
