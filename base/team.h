// Threads that wait for a loop and help with it. Internal to base: parallel.h is the way to them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace posttrain::detail {

// The part of a loop's tasks that one worker begins with. Whoever has done its own helps the next, so tasks side by
// side mostly meet the same core, whose caches hold what they share, and a worker that is held up holds nobody up.
struct alignas(64) Share {
  std::atomic<std::ptrdiff_t> next;
  std::ptrdiff_t end;
};

// The caller of run() is worker 0. A loop ends when its tasks are done, not when every thread has come: one that
// another program keeps from running is not waited for unless it has begun a task. Threads look for the next loop for
// some microseconds, because it mostly comes at once, and then sleep.
class Team {
 public:
  using Body = void (*)(const void* body, std::ptrdiff_t begin, std::ptrdiff_t end);

  // Calls call(body, task, task + 1) for every task in [0, count) on at most `threads` threads. One caller at a time.
  // What a body throws comes to the caller, and the tasks that nobody has begun are left.
  void run(int threads, std::ptrdiff_t count, Body call, const void* body);

 private:
  static constexpr int most_shares = 64;

  void grow(int threads);
  void serve(int worker);
  void take_tasks(int worker);

  // A loop: written by the caller while round_ is even and nobody is inside.
  Share shares_[most_shares];  // the first count_ are set: a loop should not pay for the others
  int count_ = 0, threads_ = 1, size_ = 1;
  Body call_ = nullptr;
  const void* body_ = nullptr;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // what a body threw first, of the one who set failed_

  alignas(64) std::atomic<uint32_t> round_{0};  // odd: a loop is open
  alignas(64) std::atomic<int32_t> inside_{0};  // workers that may be reading the loop
};

// The number of the calling thread within its loop, and whether it is in one.
int worker_number();
bool inside_loop();

}  // namespace posttrain::detail
