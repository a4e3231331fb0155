// What the runs of bench/r1_story came to, as a page and as pictures.
#pragma once

#include <string>
#include <vector>

#include "bench/story_runs.h"
#include "report/chart.h"

namespace posttrain::bench {

// docs/results.md, beside the figures of the DeepSeek-R1 paper and those of an independent PyTorch prototype.
std::string story_page(const StoryRuns& runs, const std::string& total_time);

// R1-Zero's accuracy and length; the objectives; the pitfalls.
std::vector<report::Chart> zero_charts(const StoryRuns& runs);
std::vector<report::Chart> objective_charts(const StoryRuns& runs);
std::vector<report::Chart> pitfall_charts(const StoryRuns& runs);

}  // namespace posttrain::bench
