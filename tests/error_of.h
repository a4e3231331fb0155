// Shared by the tests of bad input.
#pragma once

#include <string>

#include "base/error.h"

namespace posttrain {

// What the Error says that `body` throws; empty when it throws none.
template <class Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace posttrain
