// Sets of real numbers made of points and intervals, and their algebra.
#pragma once

#include <optional>
#include <vector>

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

// Breakpoints in rising order cut the line into gaps; what is in the set is told for each point and each gap.
struct RealSet {
  std::vector<int> points;           // nodes with real values
  std::vector<bool> at, gap{false};  // gap[i] lies before points[i]; gap.size() == points.size() + 1
  int name = -1;                     // of the variable it was said of, if any
};

// An interval, an inequality or chain in one variable, a union, intersection or difference, a finite set of real
// numbers, a set builder, R, or a text such as "all real numbers"; nothing when it is none of these or when the order
// of its ends can't be told.
std::optional<RealSet> real_set(Case& c, int node, int depth = 0);
// The sign as it reads from right to left: < for >.
Relation flipped(Relation r);
Same compare_sets(Case& c, const RealSet& a, const RealSet& b);

}  // namespace posttrain::mathcheck
