#include "text/packing.h"

#include <algorithm>

#include "base/error.h"

namespace posttrain {

std::vector<PackedRow> pack(std::span<const TokenizedExample> examples, size_t row_tokens) {
  PT_ASSERT(row_tokens > 0);
  constexpr size_t kOpenRows = 64;
  std::vector<PackedRow> rows;
  for (size_t e = 0; e < examples.size(); ++e) {
    const TokenizedExample& example = examples[e];
    PT_ASSERT(example.ids.size() == example.loss.size(), example.ids.size(), example.loss.size());
    const size_t count = std::min(example.ids.size(), row_tokens);
    if (count == 0) continue;
    size_t best = rows.size();
    for (size_t r = rows.size() > kOpenRows ? rows.size() - kOpenRows : 0; r < rows.size(); ++r) {
      const size_t used = rows[r].ids.size();
      if (used + count <= row_tokens && (best == rows.size() || used > rows[best].ids.size())) best = r;
    }
    if (best == rows.size()) rows.emplace_back();
    PackedRow& row = rows[best];
    row.starts.push_back(static_cast<int32_t>(row.ids.size()));
    row.examples.push_back(e);
    row.ids.insert(row.ids.end(), example.ids.begin(), example.ids.begin() + static_cast<std::ptrdiff_t>(count));
    const size_t first = row.loss.size();
    row.loss.insert(row.loss.end(), example.loss.begin(), example.loss.begin() + static_cast<std::ptrdiff_t>(count));
    row.loss[first] = 0;
  }
  for (PackedRow& row : rows) row.starts.push_back(static_cast<int32_t>(row.ids.size()));
  return rows;
}

}  // namespace posttrain
