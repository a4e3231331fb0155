// Names of a reward's parts: they become keys of metrics and of rows, so no two are alike.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/json.h"

namespace posttrain::rewards {

// A name that may be empty, and what it is called by then.
struct PartName {
  std::string* name;
  std::string otherwise;
};

// Fills the empty names: `otherwise`, with a number from 2 where that is taken ("pattern", "pattern_2"). Names that are
// given stay, and those of `taken` are never given again.
void fill_names(const std::vector<PartName>& parts, const std::set<std::string>& taken = {});

// What a data row says of its own rewards: {"rewards": ["math"]} names those that apply to it, {"reward_weights":
// {"format": 0.1}} weighs them. 0 for a part that does not apply; `otherwise` where the row says nothing.
double row_weight(const Json& row, const std::string& part, double otherwise);
// What is wrong with that, in words: a weight that is no number; empty when nothing is. Rows may name rewards that the
// recipe does not have: they are made for several recipes.
std::string row_complaint(const Json& row);

}  // namespace posttrain::rewards
