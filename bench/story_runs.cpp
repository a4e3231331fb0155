#include "bench/story_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "report/summary.h"

namespace posttrain::bench {
namespace {

// Means by step over what the seeds have there.
class StepMeans {
 public:
  void add(int64_t step, double value) {
    auto& [sum, count] = sums_[step];
    sum += value;
    count += 1;
  }
  Points points() const {
    Points out;
    for (const auto& [step, sum] : sums_) out.emplace_back(static_cast<double>(step), sum.first / sum.second);
    return out;
  }

 private:
  std::map<int64_t, std::pair<double, double>> sums_;
};

}  // namespace

double Measured::mean() const {
  return std::accumulate(seeds.begin(), seeds.end(), 0.0) / static_cast<double>(seeds.size());
}

double Measured::least() const {
  return *std::ranges::min_element(seeds);
}

double Measured::greatest() const {
  return *std::ranges::max_element(seeds);
}

Measured operator-(const Measured& a, const Measured& b) {
  Measured out;
  for (size_t i = 0; i < a.seeds.size(); ++i) out.seeds.push_back(a.seeds[i] - b.seeds[i]);
  return out;
}

StoryRuns::StoryRuns(const std::vector<std::filesystem::path>& folders) {
  for (const auto& folder : folders) {
    auto store = std::make_unique<store::Store>(store::run_file(folder), store::Mode::read_only);
    const auto run = store->run();
    if (!run || run->status != "done")
      throw Error(folder.string(), "status", "a finished run", run ? run->status : "none");
    auto& names = index_.emplace_back();
    for (const auto& stage : store->stages()) names[stage.name] = stage.index;
    evals_.push_back(store->evals());
    stores_.push_back(std::move(store));
  }
  if (stores_.empty()) throw Error("story", "runs", "at least one run", "none");
}

int StoryRuns::index(size_t seed, const std::string& name) const {
  const auto found = index_[seed].find(name);
  if (found == index_[seed].end()) throw Error("story", "stage", "one of the recipe's", name);
  return found->second;
}

Measured StoryRuns::final_eval(const std::string& name, const std::string& metric) const {
  Measured out;
  for (size_t s = 0; s < seeds(); ++s) {
    const int stage = index(s, name + "-eval");
    for (const auto& eval : evals_[s]) {
      if (eval.stage == stage) out.seeds.push_back(report::metric(eval.metrics, metric));
    }
  }
  if (out.seeds.size() != seeds()) throw Error("story", name + "-eval", "one evaluation per seed", "others");
  return out;
}

Points StoryRuns::loop_evals(const std::string& name, const std::string& metric) const {
  StepMeans means;
  for (size_t s = 0; s < seeds(); ++s) {
    const int stage = index(s, name);
    for (const auto& eval : evals_[s]) {
      if (eval.stage == stage) means.add(eval.step, report::metric(eval.metrics, metric));
    }
  }
  return means.points();
}

Points StoryRuns::curve(const std::string& name, const std::string& metric) const {
  StepMeans means;
  for (size_t s = 0; s < seeds(); ++s) {
    const int stage = index(s, name);
    for (const auto& point : stores_[s]->curve(metric)) {
      if (point.stage == stage) means.add(point.step, point.value);
    }
  }
  return means.points();
}

Measured StoryRuns::total(const std::string& name, const std::string& metric) const {
  Measured out;
  for (size_t s = 0; s < seeds(); ++s) {
    const int stage = index(s, name);
    double sum = 0;
    for (const auto& point : stores_[s]->curve(metric)) sum += point.stage == stage ? point.value : 0;
    out.seeds.push_back(sum);
  }
  return out;
}

Measured StoryRuns::steps(const std::string& name) const {
  Measured out;
  for (size_t s = 0; s < seeds(); ++s) {
    out.seeds.push_back(static_cast<double>(stores_[s]->last_step(index(s, name)).value_or(0)));
  }
  return out;
}

Measured StoryRuns::seconds(const std::string& name) const {
  Measured out;
  for (size_t s = 0; s < seeds(); ++s) {
    const int stage = index(s, name);
    for (const auto& row : stores_[s]->stages()) {
      if (row.index == stage) out.seeds.push_back(row.seconds);
    }
  }
  return out;
}

Measured StoryRuns::run_seconds() const {
  Measured out;
  for (const auto& store : stores_) out.seeds.push_back(store->run()->seconds);
  return out;
}

std::vector<std::map<std::string, int64_t>> StoryRuns::alerts(const std::string& name) const {
  std::vector<std::map<std::string, int64_t>> out(seeds());
  for (size_t s = 0; s < seeds(); ++s) {
    const int stage = index(s, name);
    for (const auto& alert : stores_[s]->alerts()) {
      if (alert.stage == stage) out[s].try_emplace(alert.code, alert.step);
    }
  }
  return out;
}

double StoryRuns::mismatch() const {
  double most = 0;
  for (const auto& store : stores_) {
    for (const auto& point : store->curve("logp_mismatch_max")) {
      most = std::isnan(point.value) ? std::numeric_limits<double>::infinity() : std::max(most, point.value);
    }
  }
  return most;
}

}  // namespace posttrain::bench
