// The word of all parts of a reward on one completion.
#pragma once

#include <string>
#include <vector>

#include "base/verdict.h"

namespace posttrain::rewards {

struct PartScore {
  std::string name, type;  // unique within a recipe; as in the table, empty for a model's reward
  double value = 0, weight = 1;
  Verdict verdict = Verdict::wrong;
  std::string detail;
  bool judges = false;  // its verdict says whether the answer is right
};

struct Outcome {
  double total = 0;
  Verdict verdict = Verdict::wrong;
  std::vector<PartScore> parts;  // in the order of the specs
  std::string answer, feedback;  // of the first part that judges correctness
  bool unparsed = false;         // that part looked for an answer and found none
};

// Sets total and verdict from the parts:
// - failed (the sample is masked) when a part with a weight failed, or when no part said anything though there are
// some;
// - else total = sum of weight * value over the parts that spoke, and the verdict is that of the first part that judges
//   correctness and spoke; absent where there are such parts and none spoke (trained on, but neither right nor wrong);
//   without such parts that of the first part that spoke. A model's reward says nothing of right and wrong. No parts:
//   total 0, absent.
void settle(Outcome& outcome);

// Why nobody judged it, in the judge's own words: "plugin: the child is gone"; never empty.
std::string why_unjudged(const Outcome& outcome);

}  // namespace posttrain::rewards
