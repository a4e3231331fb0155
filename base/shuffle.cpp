#include "base/shuffle.h"

#include <numeric>

namespace posttrain {

std::vector<size_t> shuffled(size_t count, Rng rng) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  shuffle(order, rng);
  return order;
}

size_t PassOrder::at(uint64_t index, size_t count, const Rng& rng) {
  const uint64_t pass = index / count;
  const std::scoped_lock lock(guard_);
  if (order_.size() != count || pass_ != pass || rng_ != rng) {
    order_ = shuffled(count, rng.then(pass));
    rng_ = rng;
    pass_ = pass;
  }
  return order_[index % count];
}

std::vector<size_t> drawn_in_passes(size_t count, int64_t first, int64_t n, uint64_t seed, uint64_t stage,
                                    bool as_they_are) {
  PassOrder order;
  std::vector<size_t> drawn;
  for (int64_t i = first; i < first + n; ++i)
    drawn.push_back(as_they_are ? static_cast<size_t>(i) % count
                                : order.at(static_cast<uint64_t>(i), count, Rng({seed, stage, hash_name("passes")})));
  return drawn;
}

}  // namespace posttrain
