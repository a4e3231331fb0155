#include "base/nearest.h"

#include <algorithm>

namespace posttrain {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

int nearest(std::string_view name, const std::vector<std::string>& known) {
  if (name.size() > 100) return -1;
  int best = -1, best_distance = std::max(1, static_cast<int>(name.size()) / 3) + 1;
  for (size_t i = 0; i < known.size(); ++i) {
    const int distance = edit_distance(name, known[i]);
    if (distance < best_distance && distance < static_cast<int>(known[i].size())) {
      best = static_cast<int>(i);
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  const int best = nearest(name, known);
  return best < 0 ? "" : "; did you mean \"" + known[static_cast<size_t>(best)] + "\"?";
}

}  // namespace posttrain
