// The quantities that users of TRL and verl look for are in the store, in metrics.jsonl and in what `export` prints.
#include <algorithm>
#include <set>

#include "store/store.h"
#include "tests/e2e/program.h"

namespace posttrain::e2e {
namespace {

const std::vector<std::string> trl = {"loss",
                                      "grad_norm",
                                      "learning_rate",
                                      "num_tokens",
                                      "step_time",
                                      "reward",
                                      "reward_std",
                                      "frac_reward_zero_std",
                                      "rewards/exact/mean",
                                      "rewards/exact/std",
                                      "rewards/format/mean",
                                      "kl",
                                      "entropy",
                                      "completions/mean_length",
                                      "completions/min_length",
                                      "completions/max_length",
                                      "completions/clipped_ratio",
                                      "completions/mean_terminated_length",
                                      "completions/min_terminated_length",
                                      "completions/max_terminated_length",
                                      "clip_ratio/low_mean",
                                      "clip_ratio/low_min",
                                      "clip_ratio/high_mean",
                                      "clip_ratio/high_max",
                                      "clip_ratio/region_mean",
                                      "sampling/sampling_logp_difference/mean",
                                      "sampling/sampling_logp_difference/max",
                                      "sampling/importance_sampling_ratio/min",
                                      "sampling/importance_sampling_ratio/mean",
                                      "sampling/importance_sampling_ratio/max"};
const std::vector<std::string> verl = {"timing_s/gen",       "timing_s/reward",          "timing_s/ref",
                                       "timing_s/adv",       "timing_s/update_actor",    "timing_s/step",
                                       "timing_s/testing",   "timing_s/save_checkpoint", "perf/total_num_tokens",
                                       "perf/time_per_step", "perf/throughput",          "perf/cpu_memory_used_gb"};

std::vector<std::string> split(const std::string& line, char by) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, by);) out.push_back(cell);
  return out;
}

using Metrics = ProgramTest;

TEST_F(Metrics, HaveTheNamesOfTrlAndVerlInStoreAndExports) {
  write("tiny.json", tiny_recipe());
  const std::string out = (folder_ / "run").string();
  const auto result = run({"run", (folder_ / "tiny.json").string(), "--out", out, "--progress", "none"});
  ASSERT_EQ(result.status, 0) << result.err;
  constexpr int zero = 2;
  std::set<std::string> stored;
  const store::Store store(folder_ / "run" / "run.db", store::Mode::read_only);
  for (int64_t step = 1; step <= *store.last_step(zero); ++step) {
    for (const auto& [name, value] : store.metrics(zero, step)) stored.insert(name);
  }
  const auto lines = run({"export", out, "--jsonl"});
  const auto table = run({"export", out, "--csv"});
  ASSERT_EQ(lines.status, 0) << lines.err;
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(lines.out, read_file(folder_ / "run" / "metrics.jsonl"));
  const auto columns = split(table.out.substr(0, table.out.find('\n')), ',');
  for (const auto* names : {&trl, &verl}) {
    for (const std::string& name : *names) {
      EXPECT_TRUE(stored.contains(name)) << name;
      EXPECT_NE(lines.out.find("\"" + name + "\":"), std::string::npos) << name;
      EXPECT_NE(std::ranges::find(columns, name), columns.end()) << name;
    }
  }
  const auto rows = split(table.out, '\n');
  EXPECT_EQ(std::ssize(rows), 1 + 80 + 9 + 3) << "header, two training stages, evaluations before or without a step";
  for (const std::string& row : rows) EXPECT_EQ(std::ranges::count(row, ','), std::ssize(columns) - 1) << row;
}

}  // namespace
}  // namespace posttrain::e2e
