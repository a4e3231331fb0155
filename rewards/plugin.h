// A reward in any language: a child process that speaks JSON, one object a line on stdin and stdout (docs/rewards.md,
// "Your own reward").
//
//   to it    {"id": 7, "prompt": "...", "completion": "...", "answer": "...", "extra": {<the row>},
//   "completion_tokens": 12,
//             "max_completion_tokens": 64, "truncated": false, "correctness": "right", "stage": "zero", "step": 3,
//             "split": "train"}
//   from it  {"id": 7, "reward": 0.5, "verdict": "right", "detail": "...", "answer": "..."}
//
// verdict may be left out: right when the reward is positive, else wrong. A reward of null is no word on this sample:
// it counts for nothing. With `batch` a group comes as {"id", "stage", "step", "split", "batch": [<samples>]}, and a
// list answers it, of such objects, numbers or nulls. The first line may be {"ready": true}.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "base/params.h"
#include "rewards/plugin_child.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

class PluginReward : public Reward {
 public:
  struct Settings {
    std::vector<std::string> command;
    std::string folder;
    bool batch = false;
    double deadline_s = 10, wall_s = 0, start_s = 60;
    void visit(Visitor& v);
  };
  // Throws Failure when the machine lends no file for stderr.
  explicit PluginReward(const Settings& settings);
  ~PluginReward() override;
  // Each thread has a child of its own, started when first needed, at the priority of the thread that made this object.
  // A child that dies is replaced once; one that answers nonsense or passes a limit is killed: Verdict::failed.
  Score score(const Sample& sample) const override;
  std::vector<Score> score_group(std::span<const Sample> samples) const override;
  bool judges_groups() const override { return settings_.batch; }
  void probe(const Sample& sample) const override;
  void log_to(const std::filesystem::path& file) override;

 private:
  // Asks a child once, or a second time where it had ended; throws what went wrong. One sample unless in batches.
  std::vector<Score> judged(std::span<const Sample> samples) const;
  std::vector<Score> ask(Json& request, size_t samples) const;
  std::unique_ptr<PluginChild> take_child() const;

  Settings settings_;
  int log_ = -1;  // the children's stderr
  mutable ChildStarter starter_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<PluginChild>> idle_;
};

}  // namespace posttrain::rewards
