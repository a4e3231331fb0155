// C++ function tests: the program around the candidate's function, and its arguments as text.
#pragma once

#include <string>
#include <vector>

#include "rewards/plain_value.h"

namespace posttrain::rewards {

// A translation unit that declares `returns entry(params...)`, reads the arguments from descriptor 4, calls it and
// sends one record on descriptor 3. It holds no test data. Types: bool, int, long long, double, std::string and
// std::vector of these; a parameter may be a const reference. Throws Error for another type or a name that is no
// identifier.
std::string driver_source(const std::string& entry, const std::vector<std::string>& params, const std::string& returns);

// Arguments of the given types as the driver reads them. Throws Error when a value does not fit its type.
std::string encode_arguments(const std::vector<std::string>& params, const PlainValue& arguments);

}  // namespace posttrain::rewards
