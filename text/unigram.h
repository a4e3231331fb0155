// The unigram language model of SentencePiece (Kudo 2018, section 3.2): the most probable way to cut a word.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/token_model.h"

namespace posttrain {

class Unigram final : public TokenModel {
 public:
  // `scores`: one log-probability per id. Without `unk` a character outside the vocabulary is an Error at encoding.
  Unigram(Vocabulary vocabulary, std::vector<double> scores, std::optional<int32_t> unk, bool byte_fallback,
          const std::string& where);
  ~Unigram() override;

  void encode(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  struct Trie;
  void push(std::string_view piece, std::vector<int32_t>& ids) const;

  std::vector<double> scores_;
  double unk_score_ = 0;
  std::optional<int32_t> unk_;
  std::vector<int32_t> byte_ids_;  // empty without byte fallback
  std::unique_ptr<Trie> trie_;
  std::string where_;
};

}  // namespace posttrain
