// A quarter for each of the four tags that stands exactly once: a softer format reward for models that are far from it.
#pragma once

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

class TagCountReward : public Reward {
 public:
  struct Settings {
    std::string think = "think", answer = "answer";
    void visit(Visitor& v) {
      v("think", think, {.doc = "Name of the tag around the reasoning"});
      v("answer", answer, {.doc = "Name of the tag around the answer"});
    }
  };
  explicit TagCountReward(const Settings& settings) : settings_(settings) {}
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
};

}  // namespace posttrain::rewards
