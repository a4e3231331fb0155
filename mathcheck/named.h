// Answers that carry a name: x = 5, P(A) = 3/7, f(x) = x^2, (a, b) = (4, 6).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mathcheck/scalars.h"

namespace posttrain::mathcheck {

struct Named {
  std::vector<std::string> names;  // as printed; empty where the value bears none
  int value = -1;
  bool single = false;  // the one name is a symbol
};

// The value that a chain of equalities hands on, with its names; the node itself where it is no such chain. Nothing
// for an equation in unknowns and for other relations, which stand only for themselves.
std::optional<Named> named_value(Case& c, int node);

// True when they may be values of the same thing: either bears no name, or one name is shared.
bool names_agree(const Named& a, const Named& b);

// "x = 9, x = -4" as the list of values, "y = 2, x = 1" as the tuple in alphabetical order, with the names in that
// order; nothing for other lists.
struct NamedList {
  int node;
  std::vector<std::string> names;
  int unlabelled = -1;  // the values as they were written, where words name them ("Alice: 3, Bob: 5"); else -1
};
std::optional<NamedList> named_list(Case& c, int node);

}  // namespace posttrain::mathcheck
