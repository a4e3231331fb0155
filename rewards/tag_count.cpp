#include "rewards/tag_count.h"

#include "rewards/tags.h"

namespace posttrain::rewards {

Score TagCountReward::score(const Sample& sample) const {
  int once = 0;
  for (const TagPair& pair : {TagPair::named(settings_.think), TagPair::named(settings_.answer)}) {
    once += count_of(sample.completion, pair.open) == 1 ? 1 : 0;
    once += count_of(sample.completion, pair.close) == 1 ? 1 : 0;
  }
  return {0.25 * once, once == 4 ? Verdict::right : Verdict::wrong, std::to_string(once) + " of 4 tags", ""};
}

}  // namespace posttrain::rewards
