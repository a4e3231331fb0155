// Where formulas with corners and jumps may part: |x + 3| is x + 3 at every positive point.
#pragma once

#include <vector>

#include "mathcheck/evaluate.h"

namespace posttrain::mathcheck {

// True when the formula is made of pieces: absolute values, largest and smallest, even roots, whole parts, signs and
// inverse functions, which return to one branch.
bool has_pieces(const Tree& tree, int root);

// Points that a comparison of piecewise formulas must try beside its random ones: of both signs at scales from 3 to
// 10^9, and on both sides of each place along each symbol's axis where the inside of a piece changes its sign or turns.
std::vector<Bindings> points_beside_breaks(Tree& tree, int a, int b, const std::vector<int>& symbols, Budget& budget);

}  // namespace posttrain::mathcheck
