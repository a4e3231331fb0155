// What a run came to: the evaluations of its first and last weights, and the sentence that says so.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace posttrain::report {

// One task before and after. base is the evaluation with that role, else the earliest; final likewise, else the
// latest; nothing when there is only one.
struct TaskChange {
  std::string task;
  std::optional<store::EvalRecord> base, final;
};

struct Summary {
  std::string status;  // of the run: running, done, stopped, failed
  std::string message;
  std::vector<TaskChange> tasks;  // the first one is the task of the headline
  // Largest |sampler - trainer| log-probability over the whole run; nothing when it was not measured.
  std::optional<double> logp_mismatch_max;
  double seconds = 0;
};

Summary summarize(const store::Store& store);

// NaN when it is not there.
double metric(const store::Metrics& metrics, const std::string& name);
// Whether the name is the lower or upper bound of another metric's interval ("pass@1_low").
bool is_bound(const std::string& name);
// Half of the 95% interval of a fraction measured on n problems; an upper bound that holds for any number of samples.
double half_width(double fraction, int64_t problems);

// {"base": {"pass@1", "cons@16", "pass@16", "mean_length", "format"}, "final": {the same}, "logp_mismatch_max",
// "seconds", "status", "tasks": {name: {"base", "final"}}}; what was not measured is null.
std::string summary_json(const Summary& summary);
void write_summary(const std::filesystem::path& file, const store::Store& store);

// "Accuracy on mod rose from 25.6% to 95.4% (pass@1); ..." in one paragraph of plain text.
std::string verdict_sentence(const store::Store& store);

}  // namespace posttrain::report
