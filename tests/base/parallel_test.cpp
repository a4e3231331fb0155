// Parallel loops: every index once, whoever runs it.
#include "base/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>
#include <thread>
#include <vector>

#include "base/error.h"

namespace posttrain {
namespace {

TEST(Parallel, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    set_compute_threads(threads);
    for (const std::ptrdiff_t count : {0, 1, 2, 3, 100, 1001}) {
      std::vector<std::atomic<int>> ranged(static_cast<size_t>(count)), tasked(static_cast<size_t>(count));
      parallel_for(count, 3, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (; begin < end; ++begin) ++ranged[static_cast<size_t>(begin)];
      });
      parallel_tasks(count, [&](std::ptrdiff_t task) { ++tasked[static_cast<size_t>(task)]; });
      for (const auto& n : ranged) ASSERT_EQ(n, 1);
      for (const auto& n : tasked) ASSERT_EQ(n, 1);
    }
  }
  set_compute_threads(0);
}

TEST(Parallel, RangesAreAtLeastAGrainLong) {
  set_compute_threads(4);
  std::atomic<int> ranges{0};
  parallel_for(10, 5, [&](std::ptrdiff_t, std::ptrdiff_t) { ++ranges; });
  EXPECT_LE(ranges, 2);
  set_compute_threads(0);
}

TEST(Parallel, WorkerNumbersAreBelowTheNumberOfThreads) {
  for (const int threads : {3, 2}) {
    set_compute_threads(threads);
    std::atomic<bool> right{true};
    for (int i = 0; i < 200; ++i) {
      parallel_tasks(20, [&](std::ptrdiff_t) {
        if (compute_worker() < 0 || compute_worker() >= threads) right = false;
      });
    }
    EXPECT_TRUE(right);
  }
  EXPECT_EQ(compute_worker(), 0);
  set_compute_threads(0);
}

TEST(Parallel, ALoopInsideALoopAndLoopsOfTwoThreadsAtOnceEndWell) {
  set_compute_threads(2);
  std::atomic<int> total{0};
  const auto run = [&] {
    for (int i = 0; i < 100; ++i) {
      parallel_tasks(4, [&](std::ptrdiff_t) { parallel_tasks(5, [&](std::ptrdiff_t) { ++total; }); });
    }
  };
  std::thread other(run);
  run();
  other.join();
  EXPECT_EQ(total, 2 * 100 * 4 * 5);
  set_compute_threads(0);
}

// A kernel whose scratch can't be allocated: the program used to end there.
TEST(Parallel, WhatABodyThrowsComesToTheCallerAndTheNextLoopRuns) {
  for (const int threads : {1, 4}) {
    set_compute_threads(threads);
    for (int round = 0; round < 20; ++round) {
      EXPECT_THROW(parallel_for(100, 1,
                                [](ptrdiff_t begin, ptrdiff_t) {
                                  if (begin >= 0) throw Failure("memory", "none");
                                }),
                   Failure);
      EXPECT_THROW(parallel_tasks(64,
                                  [](ptrdiff_t task) {
                                    if (task == 63) throw std::bad_alloc();
                                  }),
                   std::bad_alloc);
      std::atomic<ptrdiff_t> sum{0};
      parallel_tasks(64, [&](ptrdiff_t task) { sum += task; });
      EXPECT_EQ(sum, 64 * 63 / 2);
      EXPECT_EQ(compute_worker(), 0);
    }
  }
  set_compute_threads(0);
}

TEST(Parallel, EveryLoopOfManyIsWholeWhateverTheThreadsDo) {
  set_compute_threads(3);
  std::vector<int> counts(64);
  for (int round = 0; round < 20000; ++round) {
    parallel_tasks(64, [&](std::ptrdiff_t task) { ++counts[static_cast<size_t>(task)]; });
    if (round % 4096 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // they sleep meanwhile
  }
  for (const int count : counts) ASSERT_EQ(count, 20000);
  set_compute_threads(0);
}

// A forked child has the caller's thread only.
TEST(Parallel, AChildWithoutTheThreadsOfItsParentDoesAllTasksItself) {
  set_compute_threads(2);
  parallel_tasks(4, [](std::ptrdiff_t) {});
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> done{0};
    parallel_tasks(100, [&](std::ptrdiff_t) { ++done; });
    _exit(done == 100 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  set_compute_threads(0);
}

}  // namespace
}  // namespace posttrain
