// A run's numbers as JSON lines and as CSV.
#pragma once

#include <string>

#include "store/store.h"

namespace posttrain::store {

// {"stage": "zero", "step": 3, "loss": ..., ..., "timing_s/step": ...} and a line break; a NaN is null.
std::string step_line(const std::string& stage, int64_t step, Metrics metrics);
// {"stage": "zero", "step": 40, "eval_mod/pass@1": ..., "eval_mod/n": 48, "eval_mod/k": 16} and a line break.
std::string eval_line(const std::string& stage, const EvalRecord& eval);

// All of a run in order of stage and step; the evaluations after a step follow its line.
std::string export_jsonl(const Store& store);
// One row per stage and step, one column per name, empty cells where a step has no such number (RFC 4180).
std::string export_csv(const Store& store);

}  // namespace posttrain::store
