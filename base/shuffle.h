// Random orders that only a key decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace posttrain {

// Fisher-Yates, from the last place to the second; takes size - 1 draws of rng.
template <class T>
void shuffle(std::vector<T>& items, Rng& rng) {
  for (size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(i) - 1))]);
}

// 0..count-1, shuffled.
std::vector<size_t> shuffled(size_t count, Rng rng);

// Endless passes over 0..count-1, each in an order of its own. Keeps the order of the pass asked for last, so walking
// on costs nothing. Any thread.
class PassOrder {
 public:
  // Place `index`, counted over all passes; count > 0. rng.then(pass) decides the order of a pass.
  size_t at(uint64_t index, size_t count, const Rng& rng);

 private:
  std::mutex guard_;
  Rng rng_{};
  uint64_t pass_ = 0;
  std::vector<size_t> order_;
};

// Places [first, first + n) of endless passes over 0..count-1, shuffled under (seed, stage) or as they are.
std::vector<size_t> drawn_in_passes(size_t count, int64_t first, int64_t n, uint64_t seed, uint64_t stage,
                                    bool as_they_are = false);

}  // namespace posttrain
