// Figures of evaluations as people read them: names, units, intervals, and what is left out of them.
#pragma once

#include <string>
#include <vector>

#include "report/summary.h"

namespace posttrain::report {

// Shares of something, shown in percent.
bool is_fraction(const std::string& name);
// For people; what isn't known keeps its name.
std::string readable(const std::string& name);
// "28.1%", "11.5"; "-" for NaN.
std::string value_text(const std::string& name, double value);
// "+66.7 points", "+5.2"; "-" for NaN.
std::string change_text(const std::string& name, double by);
// "24.0 to 31.2", the 95% interval of a figure in percent; empty where it has none.
std::string interval_text(const store::Metrics& metrics, const std::string& name);
// "failed 48.4%": the share of answers that no judge judged and that a figure of right and wrong leaves out; empty for
// other figures and where there are none.
std::string left_out(const store::Metrics& metrics, const std::string& name);

// What either evaluation measured, in order and without bounds.
std::vector<std::string> figure_names(const TaskChange& change);
// The figures of one evaluation, a line each: "  pass@1   51.6%   45.0 to 58.1   failed 48.4%".
std::string figures_text(const store::Metrics& metrics);

}  // namespace posttrain::report
