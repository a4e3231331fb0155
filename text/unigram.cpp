#include "text/unigram.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "text/byte_trie.h"

namespace posttrain {

struct Unigram::Trie : ByteTrie {};

Unigram::Unigram(Vocabulary vocabulary, std::vector<double> scores, std::optional<int32_t> unk, bool byte_fallback,
                 const std::string& where)
    : TokenModel(std::move(vocabulary)),
      scores_(std::move(scores)),
      unk_(unk),
      trie_(std::make_unique<Trie>()),
      where_(where) {
  const Vocabulary& tokens = this->vocabulary();
  if (unk_ && !tokens.has(*unk_)) throw Error(where, "unk_id", "an id of the vocabulary", std::to_string(*unk_));
  double worst = std::numeric_limits<double>::max();
  for (int32_t id = tokens.size() - 1; id >= 0; --id) {  // of a token that is there twice, the last counts
    if (!tokens.has(id)) continue;
    trie_->add(tokens.token(id), id);
    worst = std::min(worst, scores_[static_cast<size_t>(id)]);
  }
  unk_score_ = worst - 10.0;  // SentencePiece's penalty for an unknown character
  if (byte_fallback) byte_ids_ = byte_token_ids(tokens);
}

Unigram::~Unigram() = default;

void Unigram::encode(std::string_view word, std::vector<int32_t>& ids) const {
  struct Node {
    double score = 0;
    uint32_t start = 0;
    int32_t id = -1;  // -1: nothing ends here yet; -2: an unknown character
  };
  std::vector<Node> best(word.size() + 1);
  for (size_t start = 0; start < word.size();) {
    const double so_far = best[start].score;
    const size_t length = utf8_length(word[start]);
    bool covers_character = false;
    const auto offer = [&](size_t bytes, double score, int32_t id) {
      Node& node = best[start + bytes];
      if (node.id == -1 || so_far + score > node.score) node = {so_far + score, static_cast<uint32_t>(start), id};
    };
    trie_->prefixes(word.substr(start), [&](size_t bytes, int32_t id) {
      offer(bytes, scores_[static_cast<size_t>(id)], unk_ && id == *unk_ ? -2 : id);
      covers_character = covers_character || bytes == length;
    });
    if (!covers_character) offer(length, unk_score_, -2);
    start += length;
  }
  // Backwards: neighbouring unknown characters form one piece.
  std::vector<Span> pieces;
  bool in_unknown = false;
  for (auto end = static_cast<uint32_t>(word.size()); end > 0;) {
    const Node& node = best[end];
    const bool unknown = node.id == -2;
    if (unknown && in_unknown) {
      pieces.back().begin = node.start;
    } else {
      pieces.push_back({node.start, end});
    }
    in_unknown = unknown;
    end = node.start;
  }
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    push(word.substr(piece->begin, piece->end - piece->begin), ids);
  }
}

void Unigram::push(std::string_view piece, std::vector<int32_t>& ids) const {
  if (const auto id = vocabulary().find(piece)) {
    ids.push_back(*id);
    return;
  }
  const auto byte_id = [&](char b) { return byte_ids_[static_cast<unsigned char>(b)]; };
  if (!byte_ids_.empty() && std::ranges::all_of(piece, [&](char b) { return byte_id(b) >= 0; })) {
    for (const char byte : piece) ids.push_back(byte_id(byte));
    return;
  }
  if (!unk_) throw Error(where_, "unk_id", "an id, since the text has unknown characters", "null");
  ids.push_back(*unk_);
}

}  // namespace posttrain
