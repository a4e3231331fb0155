// The runs of bench/r1_story, one per seed, asked by stage and metric.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/store.h"

namespace posttrain::bench {

// One number per seed.
struct Measured {
  std::vector<double> seeds;

  double mean() const;
  double least() const;
  double greatest() const;
};

Measured operator-(const Measured& a, const Measured& b);

using Points = std::vector<std::pair<double, double>>;

class StoryRuns {
 public:
  // Opens run.db in each folder. Throws Error when one is missing or not finished.
  explicit StoryRuns(const std::vector<std::filesystem::path>& folders);

  size_t seeds() const { return stores_.size(); }
  // What stage `name`-eval measured of the weights that stage `name` left.
  Measured final_eval(const std::string& name, const std::string& metric) const;
  // Of the evaluations within a stage, by step; means over the seeds.
  Points loop_evals(const std::string& name, const std::string& metric) const;
  // A training metric by step; means over the seeds that reached the step.
  Points curve(const std::string& name, const std::string& metric) const;
  // The sum of a training metric over a stage.
  Measured total(const std::string& name, const std::string& metric) const;
  // How many steps a stage took.
  Measured steps(const std::string& name) const;
  // Seconds of one stage and of the whole runs.
  Measured seconds(const std::string& name) const;
  Measured run_seconds() const;
  // Codes of a stage's alerts with the first step of each: one map per seed.
  std::vector<std::map<std::string, int64_t>> alerts(const std::string& name) const;
  // Largest sampler-trainer gap of all runs.
  double mismatch() const;

 private:
  int index(size_t seed, const std::string& name) const;

  std::vector<std::unique_ptr<store::Store>> stores_;
  std::vector<std::map<std::string, int>> index_;
  std::vector<std::vector<store::EvalRecord>> evals_;
};

}  // namespace posttrain::bench
