// Errors: bad input throws one Error; programmer mistakes stop the program with the values; expected outcomes
// (a wrong answer, a time limit) are ordinary values and never come here.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace posttrain {

// What was wrong with something from outside: a file, a flag, a recipe field.
// what() reads "<where>: <field>: expected <expected>, got <got>"; empty parts are left out.
class Error : public std::runtime_error {
 public:
  Error(std::string where, std::string field, std::string expected, std::string got);
  // For failures that have no field, such as a full disk: "<where>: <message>".
  Error(std::string where, std::string message);

  const std::string where, field, expected, got;
};

// A failure of the machine or of a computation (a full disk, NaN in a loss): exit status 1.
// A plain Error is bad input: exit status 2.
class Failure : public Error {
 public:
  using Error::Error;
};

[[noreturn]] void assertion_failed(const char* file, int line, const char* condition, const std::string& values);

namespace detail {
template <class... Values>
std::string list_values(const Values&... values) {
  std::ostringstream out;
  ((out << ' ' << values), ...);
  return out.str();
}
}  // namespace detail

}  // namespace posttrain

// Always on. PT_ASSERT(rows <= capacity, rows, capacity) prints the condition and both values, then aborts.
#define PT_ASSERT(condition, ...)                                                                                   \
  do {                                                                                                              \
    if (!(condition)) [[unlikely]] {                                                                                \
      ::posttrain::assertion_failed(__FILE__, __LINE__, #condition, ::posttrain::detail::list_values(__VA_ARGS__)); \
    }                                                                                                               \
  } while (false)
