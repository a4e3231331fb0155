// Byte-pair encoding (Sennrich et al. 2016): symbols of a word are merged pair by pair, best rank first, leftmost
// first.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/token_model.h"
#include "text/word_cache.h"

namespace posttrain {

struct BpeOptions {
  std::optional<std::string> unk_token;
  std::string continuing_subword_prefix, end_of_word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;  // a word that is a token stays whole
  bool raw_bytes = false;      // words come as bytes and stand for their byte-level characters in the vocabulary
};

class Bpe final : public TokenModel {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;  // best first

  // Throws Error(where, ...) when a merge names a token that the vocabulary lacks.
  Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::string& where);

  void encode(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  struct Merge {
    uint64_t pair;  // left id << 32 | right id
    uint32_t rank;
    int32_t id;  // of the merged token; -1: a free slot
  };
  const Merge* find_merge(int32_t left, int32_t right) const;
  void add_merge(int32_t left, int32_t right, uint32_t rank, int32_t id);
  void first_symbols(std::string_view word, std::vector<int32_t>& symbols) const;
  void merge_short(std::vector<int32_t>& symbols) const;
  void merge_long(std::vector<int32_t>& symbols) const;

  BpeOptions options_;
  std::vector<Merge> merges_;  // open addressing
  int32_t unk_ = -1;
  std::array<int32_t, 256> byte_ids_{};  // raw_bytes: ids of the byte-level characters; else of <0x00>..<0xFF>
  WordCache cache_;
};

}  // namespace posttrain
