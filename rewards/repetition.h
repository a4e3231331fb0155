// Penalty for repeated n-grams of words (open-r1): max_penalty * (1 - distinct / total).
#pragma once

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

class RepetitionReward : public Reward {
 public:
  struct Settings {
    int64_t ngram = 3;
    double max_penalty = -1;
    void visit(Visitor& v) {
      v("ngram", ngram, {.doc = "Words in a row that are compared", .min = 1, .max = 100, .unit = "words"});
      v("max_penalty", max_penalty, {.doc = "The penalty of a text that only repeats itself", .max = 0});
    }
  };
  explicit RepetitionReward(const Settings& settings) : settings_(settings) {}
  // 0 for a text shorter than one n-gram. Words are parted by white space; ASCII case does not count.
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
};

}  // namespace posttrain::rewards
