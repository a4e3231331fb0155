#include "store/export.h"

#include <cmath>
#include <map>

#include "base/json.h"
#include "store/metric_names.h"

namespace posttrain::store {
namespace {

Metrics eval_metrics(const EvalRecord& eval) {
  Metrics metrics;
  const std::string prefix = "eval_" + eval.task + "/";
  for (const auto& [key, value] : eval.metrics) metrics.emplace_back(prefix + key, value);
  metrics.emplace_back(prefix + "n", static_cast<double>(eval.n));
  metrics.emplace_back(prefix + "k", static_cast<double>(eval.k));
  return metrics;
}

std::string line(const std::string& stage, int64_t step, const Metrics& metrics) {
  Json object = {{"stage", stage}, {"step", step}};
  for (const auto& [key, value] : metrics) object[key] = value;
  return to_line(object) + '\n';
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

using Key = std::pair<int, int64_t>;

// The evaluations of each stage and step.
std::map<Key, std::vector<EvalRecord>> evals_by_step(const Store& store) {
  std::map<Key, std::vector<EvalRecord>> table;
  for (EvalRecord& eval : store.evals()) table[{eval.stage, eval.step}].push_back(std::move(eval));
  return table;
}

std::map<int, std::string> stage_names(const Store& store) {
  std::map<int, std::string> names;
  for (const StageRow& stage : store.stages()) names[stage.index] = stage.name;
  return names;
}

}  // namespace

std::string step_line(const std::string& stage, int64_t step, Metrics metrics) {
  sort_metrics(metrics);
  return line(stage, step, metrics);
}

std::string eval_line(const std::string& stage, const EvalRecord& eval) {
  return line(stage, eval.step, eval_metrics(eval));
}

std::string export_jsonl(const Store& store) {
  auto names = stage_names(store);
  std::map<Key, std::string> lines;
  for (const auto& [stage, step] : store.steps()) {
    lines[{stage, step}] = step_line(names[stage], step, store.metrics(stage, step));
  }
  for (const auto& [key, evals] : evals_by_step(store)) {
    for (const EvalRecord& eval : evals) lines[key] += eval_line(names[key.first], eval);
  }
  std::string out;
  for (const auto& [key, text] : lines) out += text;
  return out;
}

std::string export_csv(const Store& store) {
  auto names = stage_names(store);
  std::map<Key, std::map<std::string, double>> rows;
  for (const auto& [stage, step] : store.steps()) {
    auto& row = rows[{stage, step}];
    for (const auto& [key, value] : store.metrics(stage, step)) row[key] = value;
  }
  std::map<std::string, bool> seen;
  for (const auto& [key, evals] : evals_by_step(store)) {
    for (const EvalRecord& eval : evals) {
      for (const auto& [name, value] : eval_metrics(eval)) rows[key][name] = value;
    }
  }
  for (const auto& [key, row] : rows) {
    for (const auto& [name, value] : row) seen[name] = true;
  }
  std::vector<std::string> columns;
  for (const auto& [name, unused] : seen) columns.push_back(name);
  sort_metric_names(columns);

  std::string out = "stage,step";
  for (const std::string& name : columns) out += ',' + csv_cell(name);
  out += '\n';
  for (const auto& [key, row] : rows) {
    out += csv_cell(names[key.first]) + ',' + std::to_string(key.second);
    for (const std::string& name : columns) {
      const auto cell = row.find(name);
      out += ',';
      if (cell != row.end() && std::isfinite(cell->second)) out += to_line(Json(cell->second));
    }
    out += '\n';
  }
  return out;
}

}  // namespace posttrain::store
