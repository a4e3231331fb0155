// Counter-based random numbers: a draw is a pure function of its key and index, so it does not depend on the order,
// the batch or the thread in which it is made, and resuming needs no saved generator state.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace posttrain {

// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3.
inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// FNV-1a, 64 bits: turns a name such as "rollout" into a part of a key.
constexpr uint64_t hash_name(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325ull;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return h;
}

// A stream of draws under one key, e.g. Rng({seed, stage, step, prompt, sample}). Copies are independent readers of
// the same stream. at(i) is draw i; next() walks. Not shared between threads; make one per thread from the same key.
class Rng {
 public:
  explicit Rng(std::initializer_list<uint64_t> key) {
    uint64_t h = 0x9E3779B97F4A7C15ull;
    for (const uint64_t part : key) h = mix(h ^ mix(part + 0x9E3779B97F4A7C15ull));
    key_ = {static_cast<uint32_t>(h), static_cast<uint32_t>(h >> 32)};
  }
  // The stream whose key has one more part: Rng({a, b}).then(c) is Rng({a, b, c}).
  Rng then(uint64_t part) const {
    const uint64_t h = mix((uint64_t{key_[1]} << 32 | key_[0]) ^ mix(part + 0x9E3779B97F4A7C15ull));
    Rng longer({});
    longer.key_ = {static_cast<uint32_t>(h), static_cast<uint32_t>(h >> 32)};
    return longer;
  }
  friend bool operator==(const Rng&, const Rng&) = default;

  // The 64 random bits of draw `index`.
  uint64_t at(uint64_t index) const {
    const uint64_t block = index >> 1;
    const auto r = philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0}, key_);
    return index & 1 ? (uint64_t{r[3]} << 32 | r[2]) : (uint64_t{r[1]} << 32 | r[0]);
  }
  // Uniform in (0, 1), never an end point.
  double uniform_at(uint64_t index) const { return (static_cast<double>(at(index) >> 12) + 0.5) * 0x1.0p-52; }

  uint64_t next() { return at(index_++); }
  double uniform() { return uniform_at(index_++); }
  // Uniform integer in [low, high], high - low < 2^32 (bias below 2^-32 per value).
  int64_t integer(int64_t low, int64_t high) {
    const auto span = static_cast<uint64_t>(high - low) + 1;
    return low + static_cast<int64_t>(((next() >> 32) * span) >> 32);
  }
  bool chance(double p) { return uniform() < p; }
  // Standard normal by Box-Muller; uses two draws.
  double normal() {
    const double u = uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

 private:
  static constexpr uint64_t mix(uint64_t z) {  // splitmix64 finaliser
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  std::array<uint32_t, 2> key_{};
  uint64_t index_ = 0;
};

}  // namespace posttrain
