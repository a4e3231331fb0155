// One word, one token.
#pragma once

#include <string>

#include "text/token_model.h"

namespace posttrain {

class WordLevel final : public TokenModel {
 public:
  // Words outside the vocabulary become `unk_token`, or nothing when that is not in it either.
  WordLevel(Vocabulary vocabulary, const std::string& unk_token)
      : TokenModel(std::move(vocabulary)), unk_(this->vocabulary().find(unk_token)) {}

  void encode(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  std::optional<int32_t> unk_;
};

}  // namespace posttrain
