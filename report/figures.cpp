#include "report/figures.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/format.h"

namespace posttrain::report {
namespace {

// Columns as wide as their widest cell, the first one to the left and the others to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = "  " + row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (size_t c = 1; c < row.size(); ++c) line += "  " + std::string(widths[c] - row[c].size(), ' ') + row[c];
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace

bool is_fraction(const std::string& name) {
  return name.find('@') != std::string::npos || name == "format" || name.find("accuracy") != std::string::npos ||
         name == "truncated" || name == "unparsed" || name == "failed" || name.find("rate") != std::string::npos ||
         name.find("ratio") != std::string::npos;
}

std::string readable(const std::string& name) {
  if (name == "mean_length") return "mean length, tokens";
  if (name == "format") return "well-formed";
  if (name == "failed") return "failed: without a verdict";
  return name;
}

std::string value_text(const std::string& name, double value) {
  if (std::isnan(value)) return "-";
  return is_fraction(name) ? formatted("%.1f%%", 100 * value) : formatted("%.4g", value);
}

std::string change_text(const std::string& name, double by) {
  if (std::isnan(by)) return "-";
  return is_fraction(name) ? formatted("%+.1f points", 100 * by) : formatted("%+.4g", by);
}

std::string interval_text(const store::Metrics& metrics, const std::string& name) {
  const double low = metric(metrics, name + "_low"), high = metric(metrics, name + "_high");
  return std::isnan(low) || std::isnan(high) ? "" : formatted("%.1f to %.1f", 100 * low, 100 * high);
}

std::string left_out(const store::Metrics& metrics, const std::string& name) {
  const bool of_right = name.find('@') != std::string::npos || name == "unparsed" || name == "format";
  const double failed = metric(metrics, "failed");
  return of_right && failed > 0 ? formatted("failed %.1f%%", 100 * failed) : "";
}

std::vector<std::string> figure_names(const TaskChange& change) {
  std::vector<std::string> names;
  for (const auto* eval : {&change.base, &change.final}) {
    if (!*eval) continue;
    for (const auto& [name, value] : (*eval)->metrics) {
      if (!is_bound(name) && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string figures_text(const store::Metrics& metrics) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : metrics) {
    if (!is_bound(name))
      rows.push_back({name, value_text(name, value), interval_text(metrics, name), left_out(metrics, name)});
  }
  return aligned(rows);
}

}  // namespace posttrain::report
