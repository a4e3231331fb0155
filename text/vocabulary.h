// Token strings and their ids, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posttrain {

uint64_t hash_bytes(std::string_view bytes);

// Ids may have holes; a hole's token is absent. Not changed after loading, so readers need no lock.
class Vocabulary {
 public:
  static constexpr int32_t kMaxId = 4'000'000;  // bounds what a hostile file can make us allocate

  void reserve(size_t tokens);
  // The last id of a string is what find() gives. Throws Error(where, ...) for an id out of range or with two strings.
  void add(std::string_view token, int64_t id, const std::string& where);

  std::optional<int32_t> find(std::string_view token) const;
  bool has(int64_t id) const { return id >= 0 && id < size() && present_[static_cast<size_t>(id)]; }
  const std::string& token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }
  // One more than the largest id.
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

 private:
  void grow();

  std::vector<std::string> tokens_;
  std::vector<bool> present_;
  std::vector<int32_t> slots_;  // open addressing; -1 is free
  size_t used_ = 0;
};

}  // namespace posttrain
