// Where a step's groups come from: which problems are asked, how often groups without spread are replaced, and whether
// the next step's groups are drawn while this one trains.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "rl/grpo.h"

namespace posttrain::rl {

struct Rollout {
  std::vector<rollout::ScoredGroup> groups;
  store::Metrics metrics;
  double seconds = 0;  // of sampling and scoring
};

// Everything that is drawn is a function of the settings, the weights and the problems drawn so far. Not thread-safe.
class RolloutSource {
 public:
  RolloutSource(const GrpoContext& context, const GrpoSettings& settings);
  // Stops and forgets what is being drawn ahead.
  ~RolloutSource();

  // The groups of `step`: those drawn ahead if there are, else drawn now from the policy as it is. Rethrows what went
  // wrong in drawing ahead.
  Rollout take(int64_t step, const PhaseCallback& phase);
  // Begins to draw the groups of `step` from a copy of the policy as it is now, which may be changed at once.
  void draw_ahead(int64_t step);

  // Between take() and draw_ahead(): {"problems_drawn": n, "solved": [ids]}.
  Json cursor() const;
  void restore(const Json& cursor);

 private:
  Rollout draw(int64_t step, const PhaseCallback& phase);
  text::Problem next_problem();
  bool teaches(const rollout::ScoredGroup& group) const;
  void add_second_attempts(int64_t step, std::vector<rollout::ScoredGroup>& groups, RolloutMetrics& seen,
                           const rollout::Progress& progress);
  void remember_solved(const std::vector<rollout::ScoredGroup>& groups);
  void refresh_sampler(int64_t version);

  GrpoContext context_;
  const GrpoSettings& settings_;
  int64_t problems_drawn_ = 0, passed_over_ = 0;
  std::set<std::string> solved_;  // ids, for the curriculum
  std::atomic<bool> stop_ = false;
  std::future<Rollout> ahead_;
};

}  // namespace posttrain::rl
