// Language consistency, as DeepSeek-R1 rewards it: words of the target language over all words.
#pragma once

#include "base/params.h"
#include "rewards/reward.h"

namespace posttrain::rewards {

class LanguageReward : public Reward {
 public:
  struct Settings {
    std::string language = "en";
    std::string inside;
    void visit(Visitor& v);
  };
  // Throws Error for a language without a known script.
  explicit LanguageReward(const Settings& settings);
  // The share, 0..1; 0 when there are no words. A run of letters is a word, each Chinese or Japanese character one of
  // its own. A word belongs to the language when all its letters do; LaTeX commands, figures and signs are no words.
  Score score(const Sample& sample) const override;

 private:
  Settings settings_;
  const struct Script* script_;
};

}  // namespace posttrain::rewards
