// What turns one pre-tokenised word into ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "text/vocabulary.h"

namespace posttrain {

class TokenModel {
 public:
  explicit TokenModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~TokenModel() = default;

  // Appends the ids of `word` (valid UTF-8, not empty, below 4 GiB). May run in many threads at once.
  virtual void encode(std::string_view word, std::vector<int32_t>& ids) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
};

// The ids of "<0x00>" to "<0xFF>", -1 where the vocabulary has none.
std::vector<int32_t> byte_token_ids(const Vocabulary& vocabulary);

}  // namespace posttrain
