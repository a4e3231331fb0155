#include "cli/judge/judge_load.h"

namespace posttrain::cli {

JudgeLoad::JudgeLoad(const Suite& suite, int64_t programs, const sandbox::Options& options) {
  for (const SuiteCase& one : suite.cases) {
    if (one.honest) honest_.push_back(&one);
  }
  if (programs == 0 || honest_.empty()) return;
  sandbox::Options own = options;
  own.boxes = static_cast<int>(programs);
  boxes_ = std::make_unique<sandbox::Sandbox>(own);
  compiler_ = std::make_unique<sandbox::Compiler>(*boxes_);
  judge_ = std::make_unique<rewards::CodeJudge>(*boxes_, *compiler_);
  for (int64_t i = 0; i < programs; ++i) threads_.emplace_back([this, i] { work(static_cast<size_t>(i)); });
}

void JudgeLoad::stop() {
  done_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  judge_.reset();
  compiler_.reset();
  boxes_.reset();
}

void JudgeLoad::work(size_t first) {
  for (size_t i = first; !done_; ++i) {
    const SuiteCase& one = *honest_[i % honest_.size()];
    const rewards::CodeVerdict verdict = judge_->judge(one.task, one.source);
    ++judged_;
    if (verdict.code == sandbox::Code::ac) continue;
    const std::lock_guard lock(mutex_);
    failed_.push_back(one.id + " " + to_string(verdict.code) + " " + verdict.detail.substr(0, 200));
  }
}

}  // namespace posttrain::cli
