// Rewards for the length of a completion, in tokens.
#pragma once

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

// Soft overlong punishment (DAPO, arXiv 2503.14476, equation 13): 0 up to max - cache, falling to -1 at max, -1 beyond.
class OverlongReward : public Reward {
 public:
  struct Settings {
    int64_t max_tokens = 0;
    int64_t cache_tokens = 64;
    void visit(Visitor& v) {
      v("max_tokens", max_tokens,
        {.doc = "Longest completion; 0: the longest that may be sampled", .min = 0, .unit = "tokens"});
      v("cache_tokens", cache_tokens,
        {.doc = "How far below the longest the punishment begins", .min = 1, .unit = "tokens"});
    }
  };
  explicit OverlongReward(const Settings& settings) : settings_(settings) {}
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
};

// Cosine (Yeo et al., arXiv 2502.03373, with open-r1's defaults): right answers earn more when short, wrong ones lose
// less when long. Lengths beyond the longest count as the longest.
class CosineReward : public Reward {
 public:
  struct Settings {
    int64_t max_tokens = 0;
    double right_short = 1, right_long = 0.5, wrong_short = -1, wrong_long = -0.5;
    void visit(Visitor& v) {
      v("max_tokens", max_tokens,
        {.doc = "The longest length; 0: the longest that may be sampled", .min = 0, .unit = "tokens"});
      v("right_short", right_short, {.doc = "For a right answer of no length"});
      v("right_long", right_long, {.doc = "For a right answer of the longest length"});
      v("wrong_short", wrong_short, {.doc = "For a wrong answer of no length"});
      v("wrong_long", wrong_long, {.doc = "For a wrong answer of the longest length"});
    }
  };
  explicit CosineReward(const Settings& settings) : settings_(settings) {}
  // Needs a part that judges correctness beside it; without one it fails.
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
};

// Kimi k1.5 (arXiv 2501.12599, section 2.3.3): 0.5 - (length - shortest) / (longest - shortest) of the group; at most 0
// for wrong answers; 0 when all are equally long.
class KimiLengthReward : public Reward {
 public:
  struct Settings {
    void visit(Visitor&) {}
  };
  explicit KimiLengthReward(const Settings&) {}
  // Needs a part that judges correctness and the group's shortest and longest lengths; without them it fails.
  Score score(const Sample& sample) const override;
  bool needs_group() const override { return true; }
};

}  // namespace posttrain::rewards
