#include "cli/result_table.h"

#include <cmath>

#include "base/format.h"
#include "report/figures.h"

namespace posttrain::cli {
namespace {

// Points and units without their names: the columns say them.
std::string change(const std::string& name, double by) {
  if (std::isnan(by)) return "-";
  return report::is_fraction(name) ? formatted("%+.1f", 100 * by) : formatted("%+.4g", by);
}

double measured(const std::optional<store::EvalRecord>& eval, const std::string& name) {
  return eval ? report::metric(eval->metrics, name) : NAN;
}

std::string row(const std::string& name, const std::string& base, const std::string& final, const std::string& change) {
  std::string line = formatted("  %-22s %10s %10s %10s", name.c_str(), base.c_str(), final.c_str(), change.c_str());
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

}  // namespace

std::string result_table(const store::Store& run) {
  std::string out = report::verdict_sentence(run) + "\n";
  for (const report::TaskChange& task : report::summarize(run).tasks) {
    if (!task.final && !task.base) continue;
    out += row(task.task, "base", "final", "change");
    for (const std::string& name : report::figure_names(task)) {
      const double base = measured(task.base, name), final = measured(task.final, name);
      out += row(name, report::value_text(name, base), report::value_text(name, final), change(name, final - base));
    }
  }
  return out;
}

}  // namespace posttrain::cli
