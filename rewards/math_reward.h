// The accuracy reward of mathematics.
#pragma once

#include "base/params.h"
#include "mathcheck/checker.h"
#include "rewards/reward.h"
#include "rewards/thought.h"

namespace posttrain::rewards {

class MathReward : public Reward {
 public:
  struct Settings {
    std::string answer_in = "anywhere";
    int64_t steps = 400'000;
    mathcheck::Form form = mathcheck::Form::any;
    ThinkSetting think;
    void visit(Visitor& v) {
      v("answer_in", answer_in,
        {.doc = "Where an answer counts: a \\boxed{} only, also behind \"Answer:\" and the like, or else the last "
                "expression",
         .choices = {"box", "marked", "anywhere"}});
      v("form", form,
        {.doc = "Whatever is equal (any); worked out: a numeral for a numeral, no sums, binomials or factorials that "
                "the gold "
                "answer does not have (evaluated); also of the gold answer's shape, such as a product for a product "
                "(as_gold)"});
      think.visit(v);
      v("steps", steps,
        {.doc = "Work allowed for one case; one that needs more is undecided", .min = 1000, .max = 1e9});
    }
  };

  explicit MathReward(const Settings& settings);
  Score score(const Sample& sample) const override;
  Lack missing(const Sample& sample) const override { return lacks_gold(sample); }

 private:
  mathcheck::CheckOptions options_;
};

}  // namespace posttrain::rewards
