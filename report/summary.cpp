#include "report/summary.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/format.h"
#include "base/json.h"

namespace posttrain::report {
namespace {

std::string percent(double fraction) {
  return formatted("%.1f%%", 100 * fraction);
}

Json metrics_object(const std::optional<store::EvalRecord>& eval) {
  if (!eval) return nullptr;
  Json object = Json::object();
  for (const auto& [name, value] : eval->metrics) object[name] = value;
  return object;
}

// Half of the 95% interval of pass@1: as measured, else its bound.
double noise_of(const store::EvalRecord& eval) {
  const double low = metric(eval.metrics, "pass@1_low"), high = metric(eval.metrics, "pass@1_high");
  return low <= high ? (high - low) / 2 : half_width(metric(eval.metrics, "pass@1"), eval.n);
}

// "; failed 48.4%": what the figures before it leave out.
std::string failed_words(const store::Metrics& metrics) {
  const double failed = metric(metrics, "failed");
  return failed > 0 ? "; failed " + percent(failed) : "";
}

std::string failed_words(const store::Metrics& before, const store::Metrics& after) {
  if (failed_words(before).empty() && failed_words(after).empty()) return {};
  const auto share = [](double failed) { return percent(failed > 0 ? failed : 0); };
  return "; failed " + share(metric(before, "failed")) + " to " + share(metric(after, "failed"));
}

// "rose from a to b", or that the two can't be told apart.
std::string change_of_fraction(const store::EvalRecord& base, const store::EvalRecord& final) {
  const double from = metric(base.metrics, "pass@1"), to = metric(final.metrics, "pass@1");
  const int64_t problems = std::min(base.n, final.n);
  const double noise = std::hypot(noise_of(base), noise_of(final));
  if (std::abs(to - from) <= noise) {
    return "did not change measurably (" + percent(from) + " to " + percent(to) + ", " + std::to_string(problems) +
           " problems)";
  }
  return (to > from ? "rose from " : "fell from ") + percent(from) + " to " + percent(to);
}

std::string task_sentence(const TaskChange& change) {
  if (!change.base || !change.final) {
    const auto& only = change.base ? change.base : change.final;
    const double pass = only ? metric(only->metrics, "pass@1") : NAN;
    if (std::isnan(pass)) return {};
    return "Accuracy on " + change.task + " is " + percent(pass) + " (pass@1" + failed_words(only->metrics) +
           ") at step " + std::to_string(only->step) + ". ";
  }
  const store::Metrics &before = change.base->metrics, &after = change.final->metrics;
  std::string out;
  const double from = metric(before, "pass@1"), to = metric(after, "pass@1");
  if (!std::isnan(from) && !std::isnan(to)) {
    out = "Accuracy on " + change.task + " " + change_of_fraction(*change.base, *change.final) + " (pass@1" +
          failed_words(before, after) + ")";
  }
  for (const auto& [name, value] : before) {
    const double now = metric(after, name);
    if (name.starts_with("cons@") && !is_bound(name) && !std::isnan(now)) {
      out += (out.empty() ? "The majority vote " : ", the majority vote ") + ("(" + name + ") went ") + percent(value) +
             " to " + percent(now);
    }
  }
  const double short_length = metric(before, "mean_length"), long_length = metric(after, "mean_length");
  if (short_length > 0 && long_length > 0) {
    const double ratio = long_length / short_length;
    const std::string numbers = formatted("%.1f", short_length) + " to " + formatted("%.1f", long_length) + " tokens";
    out += (out.empty() ? "Responses " : "; responses ") +
           (ratio > 1.05   ? "grew from " + numbers + formatted(" (%.1f times)", ratio)
            : ratio < 0.95 ? "shrank from " + numbers
                           : "kept their length (" + numbers + ")");
  }
  const double format_from = metric(before, "format"), format_to = metric(after, "format");
  if (!std::isnan(format_from) && !std::isnan(format_to)) {
    out += "; well-formed answers " + percent(format_from) + " to " + percent(format_to);
  }
  return out.empty() ? out : out + ". ";
}

std::string reward_sentence(const store::Store& store, int stage) {
  std::vector<double> values;
  for (const store::Point& p : store.curve("reward")) {
    if (p.stage == stage && std::isfinite(p.value)) values.push_back(p.value);
  }
  if (values.size() < 2) return {};
  const size_t n = std::max<size_t>(1, values.size() / 10);
  double first = 0, last = 0;
  for (size_t i = 0; i < n; ++i) first += values[i], last += values[values.size() - 1 - i];
  return "Reward so far: " + formatted("%.2f", first / static_cast<double>(n)) + " to " +
         formatted("%.2f", last / static_cast<double>(n)) + " over " + std::to_string(values.size()) + " steps. ";
}

std::string state_sentence(const store::Store& store, const Summary& summary) {
  if (summary.status == "done") return {};
  const auto stages = store.stages();
  std::string where;
  if (!stages.empty()) {
    const store::StageRow& stage = stages.back();
    where = "stage " + stage.name + ", step " + std::to_string(store.last_step(stage.index).value_or(0)) +
            (stage.steps > 0 ? " of " + std::to_string(stage.steps) : "");
  }
  if (summary.status == "running") {
    return "Not finished: " + (where.empty() ? "no stage has begun" : where) + ". " +
           (stages.empty() ? "" : reward_sentence(store, stages.back().index));
  }
  if (summary.status == "interrupted") {
    return "Interrupted" + (where.empty() ? " before its first stage" : " in " + where) +
           ": no process works on it; posttrain run --resume goes on. ";
  }
  return (summary.status == "failed" ? "Failed in " : "Stopped in ") + where +
         (summary.message.empty() ? "" : ": " + summary.message) + ". ";
}

}  // namespace

double metric(const store::Metrics& metrics, const std::string& name) {
  for (const auto& [key, value] : metrics) {
    if (key == name) return value;
  }
  return NAN;
}

bool is_bound(const std::string& name) {
  return name.ends_with("_low") || name.ends_with("_high");
}

double half_width(double fraction, int64_t problems) {
  // The mean of k samples of one problem varies no more than a single sample would.
  return problems > 0 ? 1.96 * std::sqrt(std::max(0.0, fraction * (1 - fraction)) / static_cast<double>(problems))
                      : NAN;
}

Summary summarize(const store::Store& store) {
  Summary summary;
  double run_seconds = 0;
  if (const auto run = store.run()) {
    summary.status = run->status;
    summary.message = run->message;
    run_seconds = run->seconds;
  }
  for (const store::StageRow& stage : store.stages()) summary.seconds += stage.seconds;
  summary.seconds = std::max(summary.seconds, run_seconds);
  for (store::EvalRecord& eval : store.evals()) {
    if (eval.role.empty() && std::isnan(metric(eval.metrics, "pass@1"))) continue;  // too few were judged for a figure
    auto found = std::find_if(summary.tasks.begin(), summary.tasks.end(),
                              [&](const TaskChange& t) { return t.task == eval.task; });
    if (found == summary.tasks.end()) found = summary.tasks.insert(found, {eval.task, {}, {}});
    if (eval.role == "base" || (!found->base && eval.role != "final")) {
      found->base = std::move(eval);
    } else if (eval.role == "final" || !found->final || found->final->role != "final") {
      found->final = std::move(eval);
    }
  }
  for (const char* key : {"logp_mismatch_max", "sampling/sampling_logp_difference/max"}) {
    if (summary.logp_mismatch_max) break;
    for (const store::Point& p : store.curve(key)) {
      // A NaN is a mismatch too and must not hide behind max().
      if (std::isnan(p.value) || p.value >= summary.logp_mismatch_max.value_or(0)) summary.logp_mismatch_max = p.value;
      if (std::isnan(p.value)) break;
    }
  }
  return summary;
}

std::string summary_json(const Summary& summary) {
  Json object;
  object["base"] = summary.tasks.empty() ? Json(nullptr) : metrics_object(summary.tasks[0].base);
  object["final"] = summary.tasks.empty() ? Json(nullptr) : metrics_object(summary.tasks[0].final);
  object["logp_mismatch_max"] = summary.logp_mismatch_max ? Json(*summary.logp_mismatch_max) : Json(nullptr);
  object["seconds"] = summary.seconds;
  object["status"] = summary.status;
  object["tasks"] = Json::object();
  for (const TaskChange& task : summary.tasks) {
    object["tasks"][task.task] = {{"base", metrics_object(task.base)}, {"final", metrics_object(task.final)}};
  }
  return to_pretty(object) + '\n';
}

void write_summary(const std::filesystem::path& file, const store::Store& store) {
  write_file_atomically(file, summary_json(summarize(store)));
}

std::string verdict_sentence(const store::Store& store) {
  const Summary summary = summarize(store);
  std::string out = state_sentence(store, summary);
  for (const TaskChange& task : summary.tasks) out += task_sentence(task);
  if (summary.logp_mismatch_max) {
    out += *summary.logp_mismatch_max == 0
               ? "Sampler and trainer agreed on every log-probability to the last bit. "
               : "Sampler and trainer differed by up to " + formatted("%.2g", *summary.logp_mismatch_max) +
                     " in log-probability. ";
  }
  if (summary.status == "done") out += "All stages took " + duration_text(summary.seconds) + ".";
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out.empty() ? "Nothing has been measured yet." : out;
}

}  // namespace posttrain::report
