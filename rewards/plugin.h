// A reward in any language: a child process that speaks JSON, one object a line on stdin and stdout.
//
//   to it    {"id": 7, "prompt": "...", "completion": "...", "answer": "...", "extra": {...}, "completion_tokens": 12,
//             "truncated": false, "correctness": "right"}
//   from it  {"id": 7, "reward": 0.5, "verdict": "right", "detail": "...", "answer": "..."}
//
// verdict may be left out: right when the reward is positive, else wrong. A reward of null is no word on this sample:
// it is masked. stderr goes to ours.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

class PluginReward : public Reward {
 public:
  struct Settings {
    std::vector<std::string> command;
    double deadline_s = 10;
    void visit(Visitor& v);
  };
  explicit PluginReward(const Settings& settings);
  ~PluginReward() override;
  // Each thread has a child of its own, started when first needed. A child that dies, answers nonsense or misses the
  // deadline is killed and the sample tried once more with a fresh one; then it is Verdict::failed.
  Score score(const Sample& sample) const override;

 private:
  class Child;
  Score ask(const std::string& request) const;

  Settings settings_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Child>> idle_;
};

}  // namespace posttrain::rewards
