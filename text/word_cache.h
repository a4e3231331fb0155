// Remembers the ids of short words: most words of a text have been seen before.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace posttrain {

// Direct-mapped, fixed memory (2 MiB). Threads share it; a slot in use by another thread counts as a miss, so nobody
// waits. What it holds never changes a result.
class WordCache {
 public:
  static constexpr size_t kMaxBytes = 20;
  static constexpr size_t kMaxIds = 10;

  WordCache();
  // Appends the ids of `word` and returns true when they are known. 0 < word.size() <= kMaxBytes.
  bool find(std::string_view word, uint64_t hash, std::vector<int32_t>& ids) const;
  void store(std::string_view word, uint64_t hash, const int32_t* ids, size_t count) const;

 private:
  struct Slot;
  struct Deleter {
    void operator()(Slot* slots) const;
  };
  std::unique_ptr<Slot[], Deleter> slots_;
};

}  // namespace posttrain
