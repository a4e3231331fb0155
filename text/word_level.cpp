#include "text/word_level.h"

namespace posttrain {

void WordLevel::encode(std::string_view word, std::vector<int32_t>& ids) const {
  if (const auto id = vocabulary().find(word)) {
    ids.push_back(*id);
  } else if (unk_) {
    ids.push_back(*unk_);
  }
}

}  // namespace posttrain
