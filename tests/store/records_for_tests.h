// Small records with every field set, different for each step.
#pragma once

#include <string>

#include "store/store.h"

namespace posttrain::store {

inline RunInfo test_run() {
  return {"tiny", "0.1.0", 7, R"({"name": "tiny"})", R"({"cpus": 2})"};
}

inline Group test_group(int64_t step, int index) {
  Group group{"1+" + std::to_string(index) + "=", std::to_string(1 + index), {}};
  for (int k = 0; k < 2; ++k) {
    SampleRow s;
    s.completion = "<think>" + std::to_string(step) + "</think>" + std::string(1, '\0') + "\xff" + std::to_string(k);
    s.completion_tokens = 5 + k;
    s.finish = k == 0 ? "stop" : "length";
    s.reward = 1.5 * k;
    s.parts = {{"answer", 1.0 * k, 1, k == 0 ? "wrong" : "right", k == 0 ? "got 4" : ""},
               {"format", 0.5, 0.5, "right", ""}};
    s.verdict = k == 0 ? "wrong" : "right";
    s.advantage = k == 0 ? -0.7071 : 0.7071;
    s.logp_sum = -3.25 - static_cast<double>(step);
    s.weight_version = step - 1;
    group.samples.push_back(s);
  }
  return group;
}

inline StepRecord test_step(int stage, int64_t step) {
  StepRecord record{stage, step, {}, {}, {}, {}};
  record.metrics = {{"timing_s/step", 0.25}, {"reward", 0.1 * static_cast<double>(step)}, {"loss", 1.0 / 3.0}};
  record.spans = {{"rollout", 0, 0.0, 0.2}, {"update", 0, 0.2, 0.25}};
  // One problem that every step meets and one of its own.
  record.groups = {test_group(step, 0), test_group(step, 100 * (stage + 1) + static_cast<int>(step))};
  if (step % 2 == 0) record.alerts = {{"even", "step " + std::to_string(step)}};
  return record;
}

inline EvalRecord test_eval(int stage, int64_t step) {
  EvalRecord record{stage, step, "mod", "", 48, 16, {{"pass@1", 0.25 + 0.01 * static_cast<double>(step)}}, {}};
  record.groups = {test_group(step, 7)};
  return record;
}

// Steps (after, last] of a stage, with an evaluation after every second one.
inline void write_steps(Store& store, int stage, int64_t after, int64_t last) {
  for (int64_t step = after + 1; step <= last; ++step) {
    store.write_step(test_step(stage, step));
    if (step % 2 == 0) store.write_eval(test_eval(stage, step));
  }
}

}  // namespace posttrain::store
