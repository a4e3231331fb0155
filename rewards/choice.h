// Multiple choice: the letter of the answer.
#pragma once

#include "base/params.h"
#include "rewards/reward.h"
#include "rewards/thought.h"

namespace posttrain::rewards {

class ChoiceReward : public Reward {
 public:
  struct Settings {
    std::string answer_in = "anywhere";
    ThinkSetting think;
    void visit(Visitor& v) {
      v("answer_in", answer_in,
        {.doc = "Where a letter counts: a \\boxed{} only, also behind \"Answer:\" and the like, or a reply that is "
                "only a letter too",
         .choices = {"box", "marked", "anywhere"}});
      think.visit(v);
    }
  };
  explicit ChoiceReward(const Settings& settings) : settings_(settings) {}
  // 1 when the reply names the gold letter (A..J) and no other. Fails when the gold answer is no letter.
  Score score(const Sample& sample) const override;
  Lack missing(const Sample& sample) const override;

 private:
  Settings settings_;
};

}  // namespace posttrain::rewards
