#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <limits>
#include <queue>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_level.h"

namespace posttrain {

std::vector<int32_t> byte_token_ids(const Vocabulary& vocabulary) {
  std::vector<int32_t> ids(256, -1);
  for (size_t b = 0; b < ids.size(); ++b) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(b));
    ids[b] = vocabulary.find(name).value_or(-1);
  }
  return ids;
}

Bpe::Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::string& where)
    : TokenModel(std::move(vocabulary)), options_(std::move(options)) {
  const Vocabulary& tokens = this->vocabulary();
  merges_.assign(std::bit_ceil(merges.size() * 2 + 2), Merge{0, 0, -1});
  std::string merged;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::string& prefix = options_.continuing_subword_prefix;
    merged = left;
    merged += right.starts_with(prefix) ? std::string_view(right).substr(prefix.size()) : std::string_view(right);
    const auto need = [&](const std::string& token) {
      const auto id = tokens.find(token);
      if (!id) {
        throw Error(where, "merges[" + std::to_string(rank) + "]", "tokens of the vocabulary", "'" + token + "'");
      }
      return *id;
    };
    const int32_t left_id = need(left), right_id = need(right);
    add_merge(left_id, right_id, static_cast<uint32_t>(rank), need(merged));
  }
  if (options_.unk_token) {
    const auto id = tokens.find(*options_.unk_token);
    if (!id) throw Error(where, "unk_token", "a token of the vocabulary", "'" + *options_.unk_token + "'");
    unk_ = *id;
  }
  byte_ids_.fill(-1);
  if (options_.raw_bytes) {
    for (size_t b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(b);
      byte_ids_[b] = tokens.find(bytes_to_chars({&byte, 1})).value_or(-1);
    }
  } else if (options_.byte_fallback) {
    std::ranges::copy(byte_token_ids(tokens), byte_ids_.begin());
  }
}

static size_t pair_slot(uint64_t pair, size_t slots) {
  return static_cast<size_t>((pair * 0x9E3779B97F4A7C15ull) >> 20) & (slots - 1);
}

static uint64_t pair_key(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

void Bpe::add_merge(int32_t left, int32_t right, uint32_t rank, int32_t id) {
  const uint64_t pair = pair_key(left, right);
  size_t slot = pair_slot(pair, merges_.size());
  while (merges_[slot].id >= 0 && merges_[slot].pair != pair) slot = (slot + 1) & (merges_.size() - 1);
  merges_[slot] = {pair, rank, id};  // a repeated pair takes its last rank, as a map does
}

const Bpe::Merge* Bpe::find_merge(int32_t left, int32_t right) const {
  const uint64_t pair = pair_key(left, right);
  size_t slot = pair_slot(pair, merges_.size());
  for (; merges_[slot].id >= 0; slot = (slot + 1) & (merges_.size() - 1)) {
    if (merges_[slot].pair == pair) return &merges_[slot];
  }
  return nullptr;
}

void Bpe::encode(std::string_view word, std::vector<int32_t>& ids) const {
  const bool cacheable = word.size() <= WordCache::kMaxBytes;
  const uint64_t hash = cacheable ? hash_bytes(word) : 0;
  if (cacheable && cache_.find(word, hash, ids)) return;
  const size_t before = ids.size();
  std::optional<int32_t> whole;
  if (options_.ignore_merges) whole = vocabulary().find(options_.raw_bytes ? bytes_to_chars(word) : std::string(word));
  if (whole) {
    ids.push_back(*whole);
  } else {
    std::vector<int32_t> symbols;
    first_symbols(word, symbols);
    constexpr size_t kShort = 40;  // below it scanning all pairs beats keeping a heap
    symbols.size() <= kShort ? merge_short(symbols) : merge_long(symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
  }
  if (cacheable) cache_.store(word, hash, ids.data() + before, ids.size() - before);
}

void Bpe::first_symbols(std::string_view word, std::vector<int32_t>& symbols) const {
  symbols.reserve(word.size());
  bool pending_unk = false;
  const auto flush_unk = [&] {
    if (pending_unk) symbols.push_back(unk_);
    pending_unk = false;
  };
  const auto unknown = [&] {
    if (unk_ < 0) return;  // a character that nothing can stand for is dropped
    if (!options_.fuse_unk) flush_unk();
    pending_unk = true;
  };
  const bool affixes = !options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty();
  for (size_t at = 0; at < word.size();) {
    const uint32_t length = options_.raw_bytes ? 1 : utf8_length(word[at]);
    std::string_view symbol = word.substr(at, length);
    std::string decorated;
    if (affixes) {
      if (at > 0) decorated = options_.continuing_subword_prefix;
      decorated += symbol;
      if (at + length >= word.size()) decorated += options_.end_of_word_suffix;
      symbol = decorated;
    }
    at += length;
    const int32_t id =
        options_.raw_bytes ? byte_ids_[static_cast<unsigned char>(symbol[0])] : vocabulary().find(symbol).value_or(-1);
    const auto byte_id = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
    if (id >= 0) {
      flush_unk();
      symbols.push_back(id);
    } else if (options_.byte_fallback && std::ranges::all_of(symbol, [&](char b) { return byte_id(b) >= 0; })) {
      for (const char byte : symbol) symbols.push_back(byte_id(byte));
    } else {
      unknown();
    }
  }
  flush_unk();
}

void Bpe::merge_short(std::vector<int32_t>& symbols) const {
  constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  struct Pair {
    uint32_t rank;
    int32_t id;
  };
  std::array<Pair, 64> pairs;  // pairs[i]: symbols i and i + 1
  size_t count = symbols.size();
  PT_ASSERT(count <= pairs.size(), count);
  const auto look_up = [&](size_t i) {
    const Merge* merge = find_merge(symbols[i], symbols[i + 1]);
    pairs[i] = merge ? Pair{merge->rank, merge->id} : Pair{kNone, -1};
  };
  for (size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == kNone) break;
    symbols[best] = pairs[best].id;
    for (size_t i = best + 1; i + 1 < count; ++i) symbols[i] = symbols[i + 1];
    for (size_t i = best + 1; i + 2 < count; ++i) pairs[i] = pairs[i + 1];
    --count;
    if (best > 0) look_up(best - 1);
    if (best + 1 < count) look_up(best);
  }
  symbols.resize(count);
}

void Bpe::merge_long(std::vector<int32_t>& symbols) const {
  struct Candidate {
    uint32_t rank, at;
    int32_t left, right, id;
    bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };
  const auto count = static_cast<uint32_t>(symbols.size());
  const uint32_t end = count;
  std::vector<uint32_t> next(count), previous(count);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto push = [&](uint32_t at) {
    if (next[at] == end) return;
    const int32_t left = symbols[at], right = symbols[next[at]];
    if (const Merge* merge = find_merge(left, right)) queue.push({merge->rank, at, left, right, merge->id});
  };
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1;
    previous[i] = i == 0 ? end : i - 1;
  }
  for (uint32_t i = 0; i < count; ++i) push(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const bool stale = symbols[top.at] != top.left || next[top.at] == end || symbols[next[top.at]] != top.right;
    if (stale) continue;
    const uint32_t gone = next[top.at];
    symbols[top.at] = top.id;
    symbols[gone] = -1;
    next[top.at] = next[gone];
    if (next[gone] != end) previous[next[gone]] = top.at;
    if (previous[top.at] != end) push(previous[top.at]);
    push(top.at);
  }
  std::erase(symbols, -1);
}

}  // namespace posttrain
