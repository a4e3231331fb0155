// The format reward of DeepSeek-R1-Zero: the whole response is one think block followed by one answer block.
#pragma once

#include "base/params.h"
#include "rewards/reward.h"
#include "rewards/tags.h"

namespace posttrain::rewards {

class FormatReward : public Reward {
 public:
  struct Settings {
    std::string think = "think";
    std::string answer = "answer";
    bool allow_empty_think = true;
    bool allow_space = false;
    void visit(Visitor& v) {
      v("think", think, {.doc = "Name of the tag around the reasoning"});
      v("answer", answer, {.doc = "Name of the tag around the answer"});
      v("allow_empty_think", allow_empty_think, {.doc = "An empty think block passes"});
      v("allow_space", allow_space, {.doc = "White space may stand before, between and after the blocks"});
    }
  };

  explicit FormatReward(const Settings& settings);
  // 1 for <think>[no tags]</think><answer>[not empty, no tags]</answer> and then the end of the sequence; a truncated
  // completion has no end and gets 0.
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
  TagPair think_, answer_;
};

}  // namespace posttrain::rewards
