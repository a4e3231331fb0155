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

Error::Error(std::string where_, std::string field_, std::string expected_, std::string got_)
    : std::runtime_error(compose(where_, field_, expected_, got_)),
      where(std::move(where_)),
      field(std::move(field_)),
      expected(std::move(expected_)),
      got(std::move(got_)) {}

Error::Error(std::string where_, std::string message)
    : std::runtime_error(where_.empty() ? message : where_ + ": " + message), where(std::move(where_)) {}

void assertion_failed(const char* file, int line, const char* condition, const std::string& values) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s%s%s\n", file, line, condition,
               values.empty() ? "" : ", values:", values.c_str());
  std::abort();
}

}  // namespace posttrain
