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
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return queue_.size() < capacity_; });
  Job& job = queue_.emplace_back(Job{std::move(sample), {}});
  std::future<Outcome> result = job.done.get_future();
  lock.unlock();
  work_ready_.notify_one();
  return result;
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
    job.done.set_value(rewards_.judge(job.sample.view()));
    lock.lock();
    if (--running_ == 0 && queue_.empty()) idle_.notify_all();
  }
}

}  // namespace posttrain::rewards
