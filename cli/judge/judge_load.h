// Honest programs that keep the machine busy while a suite is judged: they must stay right, and so must the verdicts.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/judge/judge_suite.h"

namespace posttrain::cli {

class JudgeLoad {
 public:
  // Runs the suite's honest cases over and over, `programs` at a time, in a sandbox of its own; 0: none.
  JudgeLoad(const Suite& suite, int64_t programs, const sandbox::Options& options);
  ~JudgeLoad() { stop(); }
  JudgeLoad(const JudgeLoad&) = delete;
  JudgeLoad& operator=(const JudgeLoad&) = delete;

  void stop();
  // Both after stop().
  int64_t judged() const { return judged_; }
  const std::vector<std::string>& failed() const { return failed_; }

 private:
  void work(size_t first);

  std::vector<const SuiteCase*> honest_;
  std::unique_ptr<sandbox::Sandbox> boxes_;
  std::unique_ptr<sandbox::Compiler> compiler_;
  std::unique_ptr<rewards::CodeJudge> judge_;
  std::atomic<bool> done_{false};
  std::atomic<int64_t> judged_{0};
  std::mutex mutex_;
  std::vector<std::string> failed_;
  std::vector<std::thread> threads_;
};

}  // namespace posttrain::cli
