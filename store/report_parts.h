// Inside of the report: what its files share.
#pragma once

#include <string>
#include <vector>

#include "store/chart.h"
#include "store/report.h"

namespace posttrain::store {

// ---- report_charts.cpp
// Accuracy, length (and reward) over all stages that were evaluated: the story of the run.
std::vector<Chart> story_charts(const Store& store);
std::string story_section(const Store& store);
// One grid of charts per stage, and how each stage's time was spent.
std::string stage_section(const Store& store);

// ---- report_samples.cpp
// The same problems before, in the middle and at the end.
std::string transcript_section(const Store& store, const ReportLimits& limits);
// Stored rollouts, step by step.
std::string sample_section(const Store& store, const ReportLimits& limits);

}  // namespace posttrain::store
