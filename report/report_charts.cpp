// The curves of the report: which quantities are drawn, and where.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/file.h"
#include "base/format.h"
#include "report/html.h"
#include "report/report_parts.h"
#include "report/summary.h"
#include "store/metric_names.h"

namespace posttrain::report {
namespace {

struct Curve {
  const char* title;
  const char* unit;
  bool from_zero, smooth;
  std::vector<std::pair<const char*, const char*>> keys;  // metric and its name in the picture
};

// In reading order. What is not listed is drawn small at the end.
const std::vector<Curve>& known_curves() {
  static const std::vector<Curve> curves = {
      {"Reward", "", false, true, {{"reward", "reward"}}},
      {"Right answers in training", "%", true, true, {{"accuracy", "accuracy"}}},
      {"Response length", "tokens", true, true, {{"completions/mean_length", "mean"}}},
      {"Groups without spread", "%", true, true, {{"frac_reward_zero_std", "share"}}},
      {"Entropy", "", true, true, {{"entropy", "entropy"}}},
      {"KL to the reference", "", true, true, {{"kl", "kl"}}},
      {"Loss", "", false, true, {{"loss", "loss"}}},
      {"Token accuracy", "%", false, true, {{"mean_token_accuracy", "accuracy"}}},
      {"Cut off by the length limit", "%", true, true, {{"completions/clipped_ratio", "share"}}},
      {"Clipped tokens",
       "%",
       true,
       true,
       {{"clip_ratio/region_mean", "all"}, {"clip_ratio/low_mean", "low"}, {"clip_ratio/high_mean", "high"}}},
      {"Sampler-trainer log-probability gap", "", true, false, {{"logp_mismatch_max", "gap"}}},
      {"Gradient norm", "", true, true, {{"grad_norm", "norm"}}},
      {"Learning rate", "", true, false, {{"learning_rate", "rate"}}},
      {"Tokens per second",
       "",
       true,
       true,
       {{"perf/rollout_tokens_per_second", "rollout"},
        {"perf/update_tokens_per_second", "update"},
        {"perf/throughput", "all"}}},
      {"Seconds per step", "s", true, true, {{"timing_s/step", "step"}}},
  };
  return curves;
}

using Points = std::vector<std::pair<double, double>>;
using Curves = std::map<std::string, Points>;  // of one stage, by metric

}  // namespace

std::string chart_card(const Chart& chart, int width, int height, const std::string& extra_class) {
  double last = NAN;
  for (const auto& [x, y] : chart.series[0].points) {
    if (std::isfinite(y)) last = y;
  }
  std::string out = "<figure class=\"card" + extra_class + "\"><figcaption><span>" + escape_html(chart.title) +
                    "</span><b>" +
                    (chart.series.size() > 1 ? "<small>" + escape_html(chart.series[0].name) + "</small> " : "") +
                    escape_html(chart_value(chart, last)) + "</b></figcaption>" + chart_svg(chart, width, height);
  const int64_t window = chart.smooth ? smoothing_window(chart.series[0].points.size()) : 1;
  if (window > 1) out += "<p class=\"fine\">line: mean of " + std::to_string(window) + " steps</p>";
  return out + "</figure>";
}

namespace {

Chart chart_of(const Curve& curve, const Curves& curves) {
  Chart chart{curve.title, curve.unit, curve.from_zero, curve.smooth, {}, {}, true};
  for (const auto& [key, name] : curve.keys) {
    const auto it = curves.find(key);
    if (it != curves.end() && has_numbers(it->second)) chart.series.push_back({name, it->second, false});
  }
  return chart;
}

// rewards/<function>/mean, one line each.
Chart reward_parts(const Curves& curves) {
  Chart chart{"Reward by function", "", true, true, {}, {}, true};
  for (const auto& [key, points] : curves) {
    if (!key.starts_with("rewards/") || !key.ends_with("/mean") || !has_numbers(points)) continue;
    chart.series.push_back({key.substr(8, key.size() - 13), points, false});
  }
  return chart;
}

// What curves of rewards and verdicts leave out.
std::string failed_words(std::string_view title, const Curves& curves) {
  const auto failed = curves.find("verdicts/failed_ratio");
  double most = 0;
  if (failed != curves.end()) {
    for (const auto& [step, value] : failed->second) most = std::fmax(most, value);
  }
  const bool of_verdicts = title == "Reward" || title == "Right answers in training";
  return of_verdicts && most > 0 ? formatted(" (failed up to %.1f%%, left out)", 100 * most) : "";
}

std::string stage_charts(const Curves& curves) {
  std::string main, small;
  std::set<std::string> shown;
  for (const Curve& curve : known_curves()) {
    Chart chart = chart_of(curve, curves);
    for (const auto& [key, name] : curve.keys) shown.insert(key);
    chart.title += failed_words(curve.title, curves);
    if (!chart.series.empty()) main += chart_card(chart, 360, 170, "");
    if (std::string_view(curve.title) != "Reward") continue;
    const Chart parts = reward_parts(curves);
    if (parts.series.size() > 1) main += chart_card(parts, 360, 170, "");
  }
  std::vector<std::string> rest;
  for (const auto& [key, points] : curves) {
    if (!shown.contains(key) && has_numbers(points)) rest.push_back(key);
  }
  store::sort_metric_names(rest);
  for (const std::string& key : rest) {
    small += chart_card({key, "", false, false, {{"", curves.at(key), false}}, {}, true}, 260, 110, " small");
  }
  std::string out = "<div class=\"grid\">" + main + "</div>";
  if (!small.empty()) {
    out += "<details><summary>" + std::to_string(rest.size()) +
           " other numbers</summary><div class=\"grid fine-grid\">" + small + "</div></details>";
  }
  return out;
}

// Where the time went: one bar, a piece per phase of the main line.
std::string phase_bar(const std::vector<store::PhaseTime>& times) {
  double total = 0;
  for (const store::PhaseTime& t : times) total += t.seconds;
  if (total <= 0) return {};
  std::vector<std::pair<double, std::string>> parts;
  for (const store::PhaseTime& t : times) parts.emplace_back(t.seconds, t.phase);
  std::sort(parts.rbegin(), parts.rend());
  std::string bar, legend;
  double x = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const double width = 1000 * parts[i].first / total;
    bar += formatted("<rect class=\"f%zu\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"14\"/>", std::min<size_t>(i, 5),
                     x, std::max(0.0, width - 2));
    x += width;
    legend += "<span class=\"key k" + std::to_string(std::min<size_t>(i, 5)) + "\">" + escape_html(parts[i].second) +
              formatted(" %.1f s (%.0f%%)</span>", parts[i].first, 100 * parts[i].first / total);
  }
  return "<div class=\"phases\"><svg viewBox=\"0 0 1000 14\" preserveAspectRatio=\"none\" role=\"img\" "
         "aria-label=\"time by phase\">" +
         bar + "</svg><p class=\"fine\">" + legend + "</p></div>";
}

}  // namespace

std::string stage_section(const store::Store& store) {
  std::map<int, Curves> stages;
  for (const std::string& key : store.metric_keys()) {
    for (const store::Point& p : store.curve(key)) {
      stages[p.stage][key].emplace_back(static_cast<double>(p.step), p.value);
    }
  }
  std::string out;
  const auto rows = store.stages();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {  // the newest matters most
    const auto curves = stages.find(row->index);
    const std::string time = phase_bar(store.phase_times(row->index));
    if (curves == stages.end() && time.empty()) continue;
    out += "<section><h2>Stage " + std::to_string(row->index + 1) + ": " + escape_html(row->name) + " <small>" +
           escape_html(row->type) + "</small></h2>";
    if (curves != stages.end()) out += stage_charts(curves->second);
    out += time + "</section>";
  }
  return out;
}

}  // namespace posttrain::report
