#include "text/word_cache.h"

#include <cstring>

namespace posttrain {

struct alignas(64) WordCache::Slot {
  std::atomic<bool> busy{false};
  uint8_t length = 0;  // 0: empty
  uint8_t count = 0;
  char word[kMaxBytes] = {};
  int32_t ids[kMaxIds] = {};
};

namespace {
constexpr size_t kSlots = size_t{1} << 15;
}

WordCache::WordCache() : slots_(new Slot[kSlots]) {
  static_assert(sizeof(Slot) == 64);
}

void WordCache::Deleter::operator()(Slot* slots) const {
  delete[] slots;
}

bool WordCache::find(std::string_view word, uint64_t hash, std::vector<int32_t>& ids) const {
  Slot& slot = slots_[hash & (kSlots - 1)];
  if (slot.busy.exchange(true, std::memory_order_acquire)) return false;
  const bool hit = slot.length == word.size() && std::memcmp(slot.word, word.data(), word.size()) == 0;
  if (hit) ids.insert(ids.end(), slot.ids, slot.ids + slot.count);
  slot.busy.store(false, std::memory_order_release);
  return hit;
}

void WordCache::store(std::string_view word, uint64_t hash, const int32_t* ids, size_t count) const {
  if (word.size() > kMaxBytes || count > kMaxIds) return;
  Slot& slot = slots_[hash & (kSlots - 1)];
  if (slot.busy.exchange(true, std::memory_order_acquire)) return;
  slot.length = static_cast<uint8_t>(word.size());
  slot.count = static_cast<uint8_t>(count);
  std::memcpy(slot.word, word.data(), word.size());
  if (count > 0) std::memcpy(slot.ids, ids, count * sizeof *ids);
  slot.busy.store(false, std::memory_order_release);
}

}  // namespace posttrain
