// Whether a completion looks as asked: a regular expression.
#pragma once

#include <memory>
#include <string>

#include "base/params.h"
#include "base/regex.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

class PatternReward : public Reward {
 public:
  struct Settings {
    std::string pattern = "(?m)^Answer: \\S.*$";
    void visit(Visitor& v) {
      v("pattern", pattern,
        {.doc = "Regular expression (PCRE2) that is found in the completion; (?m) makes ^ and $ "
                "stand for lines"});
    }
  };
  // Throws Error for an expression that does not compile.
  explicit PatternReward(const Settings& settings);
  // 1 when the pattern is found, else 0.
  Score score(const Sample& sample) const override;

 private:
  Regex regex_;
};

}  // namespace posttrain::rewards
