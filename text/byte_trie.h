// Finds which of many byte strings start at a place of a text.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace posttrain {

class ByteTrie {
 public:
  // An empty key is ignored; the first value of a key stays.
  void add(std::string_view key, int32_t value) {
    if (key.empty()) return;
    uint32_t node = 0;
    for (const char byte : key) {
      const auto [edge, is_new] = edges_.try_emplace(edge_key(node, byte), static_cast<uint32_t>(values_.size()));
      if (is_new) values_.push_back(-1);
      node = edge->second;
    }
    if (values_[node] < 0) values_[node] = value;
    starts_[static_cast<unsigned char>(key[0])] = true;
  }

  bool empty() const { return values_.size() == 1; }
  bool may_start(char byte) const { return starts_[static_cast<unsigned char>(byte)]; }

  // Calls found(length, value) for every key that text starts with, shortest first.
  template <class Found>
  void prefixes(std::string_view text, const Found& found) const {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto edge = edges_.find(edge_key(node, text[i]));
      if (edge == edges_.end()) return;
      node = edge->second;
      if (values_[node] >= 0) found(i + 1, values_[node]);
    }
  }

 private:
  static uint64_t edge_key(uint32_t node, char byte) { return uint64_t{node} << 8 | static_cast<unsigned char>(byte); }

  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int32_t> values_{-1};
  std::vector<bool> starts_ = std::vector<bool>(256);
};

}  // namespace posttrain
