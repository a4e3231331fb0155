// "Did you mean ...?": the known name that is closest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posttrain {

// Insertions, deletions, substitutions and swaps of neighbours that turn a into b.
int edit_distance(std::string_view a, std::string_view b);

// The index of the closest name when it is close enough to be a typing error (a third of the letters), else -1.
// The first of equals wins.
int nearest(std::string_view name, const std::vector<std::string>& known);

// "; did you mean \"x\"?" or nothing.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace posttrain
