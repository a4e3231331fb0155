// The story of a run: how accuracy and length moved from one evaluated set of weights to the next.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/format.h"
#include "report/html.h"
#include "report/report_parts.h"
#include "report/summary.h"

namespace posttrain::report {
namespace {

const store::StageRow* find_stage(const std::vector<store::StageRow>& stages, int index) {
  for (const store::StageRow& s : stages) {
    if (s.index == index) return &s;
  }
  return nullptr;
}

const store::StageRow* find_stage(const std::vector<store::StageRow>& stages, const std::string& name) {
  for (const store::StageRow& s : stages) {
    if (s.name == name) return &s;
  }
  return nullptr;
}

// A stage that only evaluates, and step 0 of any stage, stand for the end of the stage it came from.
store::StepKey weights_of(const std::vector<store::StageRow>& stages, int stage, int64_t step) {
  const store::StageRow* row = find_stage(stages, stage);
  if (row == nullptr || (row->type != "eval" && step > 0)) return {stage, step};
  const store::StageRow* from = find_stage(stages, row->from);
  return from != nullptr ? store::StepKey{from->index, std::max<int64_t>(1, from->steps)} : store::StepKey{stage, step};
}

// One unit per stage; a first stage that is known by its end only takes no room, and a story that then has one stage
// is drawn over its steps.
struct Axis {
  struct Place {
    double begin = 0, width = 1;
    int64_t steps = 1;
  };
  std::map<int, Place> places;
  bool by_step = false;

  double at(store::StepKey weights) const {
    const Place& place = places.at(weights.stage);
    return place.begin + place.width * static_cast<double>(weights.step) / static_cast<double>(place.steps);
  }
};

Axis axis_of(const std::vector<store::StageRow>& stages, const std::vector<store::EvalRecord>& evals) {
  Axis axis;
  std::map<int, int64_t> earliest;
  for (const store::EvalRecord& e : evals) {
    const auto [stage, step] = weights_of(stages, e.stage, e.step);
    const store::StageRow* row = find_stage(stages, stage);
    auto& place = axis.places[stage];
    place.steps = std::max({place.steps, step, row != nullptr ? row->steps : int64_t{1}});
    earliest[stage] = std::min(earliest.try_emplace(stage, step).first->second, step);
  }
  if (axis.places.size() > 1) {
    auto& [stage, first] = *axis.places.begin();
    if (earliest[stage] == first.steps) first.width = 0;
  }
  const auto wide =
      std::count_if(axis.places.begin(), axis.places.end(), [](const auto& p) { return p.second.width > 0; });
  axis.by_step = wide == 1;
  double begin = 0;
  for (auto& [stage, place] : axis.places) {
    if (axis.by_step && place.width > 0) place.width = static_cast<double>(place.steps);
    place.begin = begin;
    begin += place.width;
  }
  return axis;
}

// "pass@16" gives 16; 0 for anything else.
int64_t samples_in(const std::string& name, const std::string& kind) {
  if (!name.starts_with(kind) || name.size() == kind.size() || name.size() > kind.size() + 6) return 0;
  if (name.find_first_not_of("0123456789", kind.size()) != std::string::npos) return 0;
  return std::stoll(name.substr(kind.size()));
}

// pass@1, and cons@k, maj@k and pass@k with the largest k.
std::vector<std::string> accuracy_names(const store::Metrics& metrics) {
  std::vector<std::string> names;
  for (const char* kind : {"pass@", "cons@", "maj@"}) {
    int64_t most = 0;
    for (const auto& [name, value] : metrics) {
      const int64_t k = samples_in(name, kind);
      if (k == 1 && name == "pass@1") names.insert(names.begin(), name);
      most = std::max(most, k);
    }
    if (most > 1) names.push_back(kind + std::to_string(most));
  }
  return names;
}

Series series_of(const std::string& metric_name, const std::string& label, const std::vector<store::StageRow>& stages,
                 const Axis& axis, const std::vector<const store::EvalRecord*>& evals) {
  Series series{label, {}, true};
  std::map<int, double> end_value;
  int last_stage = -1;
  for (const store::EvalRecord* e : evals) {
    const double value = metric(e->metrics, metric_name);
    if (std::isnan(value)) continue;
    const store::StepKey weights = weights_of(stages, e->stage, e->step);
    if (last_stage >= 0 && weights.stage != last_stage) {
      // A stage that starts from elsewhere than the one before it begins where that other one ended.
      const store::StageRow* row = find_stage(stages, weights.stage);
      const store::StageRow* from = row != nullptr ? find_stage(stages, row->from) : nullptr;
      if (from != nullptr && from->index != last_stage) {
        series.points.emplace_back(axis.places.at(weights.stage).begin, NAN);
        const auto before = end_value.find(from->index);
        if (before != end_value.end() && weights.step > 0) {
          series.points.emplace_back(axis.places.at(weights.stage).begin, before->second);
        }
      }
    }
    series.points.emplace_back(axis.at(weights), value);
    end_value[weights.stage] = value;
    last_stage = weights.stage;
  }
  return series;
}

// Of the evaluations of a task those on the most problems, where several looked at the same weights.
std::vector<const store::EvalRecord*> best_of(const std::vector<store::StageRow>& stages,
                                              const std::vector<store::EvalRecord>& evals, const Axis& axis,
                                              const std::string& task) {
  std::map<std::pair<double, int>, const store::EvalRecord*> chosen;
  for (const store::EvalRecord& e : evals) {
    if (e.task != task) continue;
    const store::StepKey weights = weights_of(stages, e.stage, e.step);
    const store::EvalRecord*& slot = chosen[{axis.at(weights), weights.stage}];
    if (slot == nullptr || e.n > slot->n) slot = &e;
  }
  std::vector<const store::EvalRecord*> list;
  for (const auto& [place, eval] : chosen) list.push_back(eval);
  return list;
}

}  // namespace

std::string weights_name(const std::vector<store::StageRow>& stages, int stage, int64_t step) {
  const store::StageRow* row = find_stage(stages, stage);
  if (row == nullptr) return "stage " + std::to_string(stage + 1) + ", step " + std::to_string(step);
  if (row->type == "eval") return row->from.empty() ? row->name : row->from;
  return row->name + ", step " + std::to_string(step);
}

std::vector<Chart> story_charts(const store::Store& store) {
  const auto evals = store.evals();
  const auto stages = store.stages();
  if (evals.empty()) return {};
  const Axis axis = axis_of(stages, evals);
  std::vector<std::pair<double, std::string>> marks;
  for (const auto& [stage, place] : axis.places) {
    const store::StageRow* row = find_stage(stages, stage);
    if (!axis.by_step && place.width > 0) marks.emplace_back(place.begin, row != nullptr ? row->name : "");
  }
  std::set<std::string> tasks;
  for (const store::EvalRecord& e : evals) tasks.insert(e.task);
  std::vector<Chart> charts;
  for (const std::string& task : tasks) {
    const auto chosen = best_of(stages, evals, axis, task);
    Chart accuracy{"Accuracy on unseen problems: " + task, "%", true, false, {}, marks, axis.by_step};
    double failed = 0;
    for (const store::EvalRecord* e : chosen) failed = std::fmax(failed, metric(e->metrics, "failed"));
    if (failed > 0) accuracy.title += formatted(" (failed up to %.1f%%, left out)", 100 * failed);
    for (const std::string& name : accuracy_names(chosen.front()->metrics)) {
      accuracy.series.push_back(series_of(name, name, stages, axis, chosen));
    }
    if (!accuracy.series.empty()) charts.push_back(std::move(accuracy));
    Chart length{"Response length in evaluations" + (tasks.size() > 1 ? ": " + task : ""),
                 "tokens",
                 true,
                 false,
                 {},
                 marks,
                 axis.by_step};
    length.series.push_back(series_of("mean_length", "mean", stages, axis, chosen));
    if (has_numbers(length.series[0].points)) charts.push_back(std::move(length));
  }
  return charts;
}

std::string story_section(const store::Store& store) {
  std::string out;
  for (const Chart& chart : story_charts(store)) out += chart_card(chart, 500, 230, " story");
  return out.empty() ? out : "<section><h2>The story</h2><div class=\"grid wide\">" + out + "</div></section>";
}

}  // namespace posttrain::report
