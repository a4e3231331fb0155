// Inside of the report: what its files share.
#pragma once

#include <string>
#include <vector>

#include "report/chart.h"
#include "report/report.h"

namespace posttrain::report {

// ---- report_story.cpp
// Accuracy and length over all weights that were evaluated: the story of the run.
std::vector<Chart> story_charts(const store::Store& store);
std::string story_section(const store::Store& store);
// "zero, step 40"; for an evaluation stage the stage that it looks at.
std::string weights_name(const std::vector<store::StageRow>& stages, int stage, int64_t step);

// ---- report_charts.cpp
// A chart with its title and its last value.
std::string chart_card(const Chart& chart, int width, int height, const std::string& extra_class);
// One grid of charts per stage, and how each stage's time was spent.
std::string stage_section(const store::Store& store);

// ---- report_samples.cpp
// The same problems before, in the middle and at the end.
std::string transcript_section(const store::Store& store, const ReportLimits& limits);
// Stored rollouts, step by step.
std::string sample_section(const store::Store& store, const ReportLimits& limits);

}  // namespace posttrain::report
