#include "base/error.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace posttrain {
namespace {

std::string compose(const std::string& where, const std::string& field, const std::string& expected,
                    const std::string& got) {
  std::string text = where;
  if (!field.empty()) text += (text.empty() ? "" : ": ") + field;
  if (!expected.empty()) text += (text.empty() ? "expected " : ": expected ") + expected;
  if (!got.empty()) text += (expected.empty() ? ": got " : ", got ") + got;
  return text;
}

}  // namespace

Error::Error(std::string place, std::string name, std::string wanted, std::string found)
    : std::runtime_error(compose(place, name, wanted, found)),
      where(std::move(place)),
      field(std::move(name)),
      expected(std::move(wanted)),
      got(std::move(found)) {}

Error::Error(std::string place, std::string message)
    : std::runtime_error(place.empty() ? std::move(message) : place + ": " + message), where(std::move(place)) {}

void assertion_failed(const char* file, int line, const char* condition, const std::string& values) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s%s%s\n", file, line, condition,
               values.empty() ? "" : ", values:", values.c_str());
  std::abort();
}

}  // namespace posttrain
