#include "text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace posttrain {

uint64_t hash_bytes(std::string_view bytes) {
  uint64_t h = 0x9E3779B97F4A7C15ull ^ bytes.size();
  const auto mix = [&](uint64_t part) {
    h = (h ^ part) * 0xD6E8FEB86659FD93ull;
    h ^= h >> 32;
  };
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t part = 0;
    std::memcpy(&part, bytes.data() + at, 8);
    mix(part);
  }
  uint64_t tail = 0;
  for (; at < bytes.size(); ++at) tail = tail << 8 | static_cast<unsigned char>(bytes[at]);
  mix(tail);
  return h ^ h >> 29;
}

void Vocabulary::reserve(size_t tokens) {
  tokens_.reserve(tokens);
  const size_t wanted = std::bit_ceil(tokens * 2 + 16);
  while (slots_.size() < wanted) grow();
}

void Vocabulary::grow() {
  std::vector<int32_t> old(slots_.empty() ? 64 : slots_.size() * 2, -1);
  old.swap(slots_);
  for (const int32_t id : old) {
    if (id < 0) continue;
    size_t slot = hash_bytes(token(id)) & (slots_.size() - 1);
    while (slots_[slot] >= 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = id;
  }
}

void Vocabulary::add(std::string_view token, int64_t id, const std::string& where) {
  if (id < 0 || id >= kMaxId) {
    throw Error(where, "id of '" + std::string(token.substr(0, 60)) + "'", "0.." + std::to_string(kMaxId - 1),
                std::to_string(id));
  }
  const auto index = static_cast<size_t>(id);
  if (index >= tokens_.size()) {
    tokens_.resize(index + 1);
    present_.resize(index + 1);
  }
  if (present_[index] && tokens_[index] != token) {
    throw Error(where, "id " + std::to_string(id), "one token",
                "'" + tokens_[index].substr(0, 60) + "' and '" + std::string(token.substr(0, 60)) + "'");
  }
  tokens_[index] = token;
  present_[index] = true;
  if ((used_ + 1) * 2 > slots_.size()) grow();
  size_t slot = hash_bytes(token) & (slots_.size() - 1);
  while (slots_[slot] >= 0 && this->token(slots_[slot]) != token) slot = (slot + 1) & (slots_.size() - 1);
  used_ += slots_[slot] < 0 ? 1 : 0;
  slots_[slot] = static_cast<int32_t>(id);
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  if (slots_.empty()) return std::nullopt;
  size_t slot = hash_bytes(token) & (slots_.size() - 1);
  for (; slots_[slot] >= 0; slot = (slot + 1) & (slots_.size() - 1)) {
    if (this->token(slots_[slot]) == token) return slots_[slot];
  }
  return std::nullopt;
}

}  // namespace posttrain
