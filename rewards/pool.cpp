#include "rewards/pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

namespace posttrain::rewards {

Sample OwnedSample::view() const {
  Sample sample{.prompt = prompt, .completion = completion, .answer = answer};
  sample.extra = extra.is_null() ? nullptr : &extra;
  sample.completion_tokens = completion_tokens;
  sample.max_completion_tokens = max_completion_tokens;
  sample.truncated = truncated;
  sample.group_min_tokens = group_min_tokens;
  sample.group_max_tokens = group_max_tokens;
  sample.stage = stage;
  sample.split = split;
  sample.step = step;
  return sample;
}

ScoringPool::ScoringPool(const RewardSet& rewards, int threads, size_t capacity)
    : rewards_(rewards), capacity_(capacity) {
  PT_ASSERT(threads >= 1 && capacity >= 1, threads, capacity);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ScoringPool::~ScoringPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::future<Outcome> ScoringPool::submit(OwnedSample sample) {
  std::vector<OwnedSample> one;
  one.push_back(std::move(sample));
  return std::move(submit_group(std::move(one)).front());
}

std::vector<std::future<Outcome>> ScoringPool::submit_group(std::vector<OwnedSample> samples) {
  std::vector<std::future<Outcome>> results;
  Job made{std::move(samples), {}};
  made.done.resize(made.samples.size());
  for (auto& promise : made.done) results.push_back(promise.get_future());
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return queue_.size() < capacity_; });
  queue_.push_back(std::move(made));
  lock.unlock();
  work_ready_.notify_one();
  return results;
}

void ScoringPool::wait_all() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

void ScoringPool::work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);  // on Linux niceness belongs to the thread
  std::unique_lock lock(mutex_);
  while (true) {
    work_ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    room_.notify_one();
    std::vector<Sample> samples;
    for (const OwnedSample& sample : job.samples) samples.push_back(sample.view());
    auto outcomes = rewards_.judge_group(samples);
    for (size_t i = 0; i < outcomes.size(); ++i) job.done[i].set_value(std::move(outcomes[i]));
    lock.lock();
    if (--running_ == 0 && queue_.empty()) idle_.notify_all();
  }
}

}  // namespace posttrain::rewards
