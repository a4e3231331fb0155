#include "text/task.h"

#include "base/error.h"

namespace posttrain::text {

Problem Task::row(Split split, size_t place) const {
  PT_ASSERT(false, split_name(split), place);
  return {};
}

Rng Task::order(uint64_t seed) const {
  return Rng({seed});
}

}  // namespace posttrain::text
