// Exact match of the text in the answer tag: the accuracy reward of tasks whose answers have one spelling.
#pragma once

#include "base/params.h"
#include "rewards/reward.h"
#include "rewards/tags.h"
#include "rewards/thought.h"

namespace posttrain::rewards {

class ExactReward : public Reward {
 public:
  struct Settings {
    std::string tag = "answer";
    bool ignore_case = false;
    ThinkSetting think;
    void visit(Visitor& v) {
      v("tag", tag, {.doc = "Name of the tag that holds the answer; empty: the whole completion is the answer"});
      v("ignore_case", ignore_case, {.doc = "Treat letters of both cases as equal"});
      think.visit(v);
    }
  };

  explicit ExactReward(const Settings& settings) : settings_(settings), tag_(TagPair::named(settings.tag)) {}
  Score score(const Sample& sample) const override;
  Lack missing(const Sample& sample) const override { return lacks_gold(sample); }

 private:
  Settings settings_;
  TagPair tag_;
};

}  // namespace posttrain::rewards
