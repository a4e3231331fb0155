// The names under which quantities are known: TRL's first, then ours, then verl's timing_s/ and perf/ groups.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/records.h"

namespace posttrain::store {

// True for what differs between two equal runs: timing_s/*, perf/* and step_time.
bool is_timing(std::string_view name);

// The order in files and tables; the same whatever order the names came in.
void sort_metric_names(std::vector<std::string>& names);
void sort_metrics(Metrics& metrics);

}  // namespace posttrain::store
