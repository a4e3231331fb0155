// Scores completions on threads of its own while others are still being generated.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "rewards/registry.h"

namespace posttrain::rewards {

// A sample that owns its texts, so that it may wait in a queue.
struct OwnedSample {
  std::string prompt, completion, answer;
  Json extra;  // null where the task has none
  int64_t completion_tokens = 0, max_completion_tokens = 0;
  bool truncated = false;
  int64_t group_min_tokens = 0, group_max_tokens = 0;
  std::string stage, split;
  int64_t step = 0;

  Sample view() const;  // valid as long as this object stays where it is
};

// submit() and wait_all() may be called from any thread; results do not depend on the number of threads. The threads
// run at idle priority (nice 19), so decoding is not disturbed; children that judges start there do not. The destructor
// finishes what was submitted.
class ScoringPool {
 public:
  // Keeps a reference to `rewards`. threads >= 1; at most `capacity` samples wait, then submit() blocks.
  ScoringPool(const RewardSet& rewards, int threads, size_t capacity = 4096);
  ~ScoringPool();
  ScoringPool(const ScoringPool&) = delete;
  ScoringPool& operator=(const ScoringPool&) = delete;

  // The future never holds an exception: what goes wrong inside a reward is Verdict::failed with the reason.
  std::future<Outcome> submit(OwnedSample sample);
  // All answers to one prompt, judged together.
  std::vector<std::future<Outcome>> submit_group(std::vector<OwnedSample> samples);
  // True when samples want the shortest and longest length of their group set.
  bool needs_group() const { return rewards_.needs_group(); }
  // True when groups are to be submitted as such.
  bool judges_groups() const { return rewards_.judges_groups(); }
  // Returns when everything submitted so far is scored.
  void wait_all();

 private:
  struct Job {
    std::vector<OwnedSample> samples;
    std::vector<std::promise<Outcome>> done;  // one for each
  };
  void work();

  const RewardSet& rewards_;
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable work_ready_, room_, idle_;
  std::deque<Job> queue_;
  size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace posttrain::rewards
