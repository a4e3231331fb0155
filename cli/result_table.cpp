#include "cli/result_table.h"

#include <cmath>

#include "base/format.h"
#include "report/summary.h"

namespace posttrain::cli {
namespace {

bool is_share(const std::string& name) {
  return name.find('@') != std::string::npos || name == "format" || name == "truncated" || name == "unparsed" ||
         name == "failed";
}

std::string figure(const std::string& name, double value, bool sign = false) {
  if (std::isnan(value)) return "-";
  if (is_share(name)) return formatted(sign ? "%+.1f" : "%.1f%%", 100 * value);
  return formatted(sign ? "%+.4g" : "%.4g", value);
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
    const auto& some = task.final ? task.final : task.base;
    if (!some) continue;
    out += row(task.task, "base", "final", "change");
    for (const auto& [name, value] : some->metrics) {
      if (report::is_bound(name)) continue;
      const double base = measured(task.base, name), final = measured(task.final, name);
      out += row(name, figure(name, base), figure(name, final), figure(name, final - base, true));
    }
  }
  return out;
}

}  // namespace posttrain::cli
