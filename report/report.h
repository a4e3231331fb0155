// report.html: one file with the curves, the evaluations and the samples of a run, and nothing loaded from elsewhere.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "report/chart.h"
#include "store/store.h"

namespace posttrain::report {

struct ReportLimits {
  size_t text_bytes = 6000;         // of one completion
  size_t sample_bytes = 4'000'000;  // of all completions in the sample browser together
  size_t steps = 24;                // steps in the sample browser, the first and the last among them
  size_t groups = 6;                // of one step
  size_t samples = 8;               // of one group
  size_t problems = 8;              // followed from the first to the last evaluation
};

// Works on a run in any state. Model text in it is inert; it reads with scripts switched off, too.
std::string report_html(const store::Store& store, const ReportLimits& limits = {});
void write_report(const std::filesystem::path& file, const store::Store& store);

// Charts as one picture with its own colours, two beside each other, for a README.
std::string picture_svg(const std::vector<Chart>& charts);
// The main curves of a run.
std::string curves_svg(const store::Store& store);
void write_curves_svg(const std::filesystem::path& file, const store::Store& store);

}  // namespace posttrain::report
